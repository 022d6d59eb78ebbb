# shellcheck shell=bash
# Sourced by the scripts beside it: makes .venv and keeps it up to date with pyproject.toml.
# Afterwards PROJECT is the checkout, and .venv/bin is first on PATH.

PROJECT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$PROJECT/.venv"

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# The default Python if it will do, else the newest that is known to have all wheels.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

# What the environment was made of: another checkout, Python or pyproject.toml calls for an update.
wanted_stamp() {
    "$1" -c '
import hashlib, pathlib, sys
parts = (sys.argv[1], sys.version, pathlib.Path(sys.argv[1], "pyproject.toml").read_text(encoding="utf-8"))
print(hashlib.sha256("\0".join(parts).encode()).hexdigest())' "$PROJECT"
}

ready() {
    [ -x "$VENV/bin/python" ] && [ -f "$VENV/profilestore.stamp" ] &&
        [ "$(cat "$VENV/profilestore.stamp")" = "$(wanted_stamp "$VENV/bin/python" 2> /dev/null)" ]
}

install() {
    local python started=$SECONDS
    python="$(find_python)" ||
        fail "no Python 3.11 or newer with venv. Debian: apt-get install python3 python3-venv (.ci/run does it as root)"
    echo "Installing profilestore into $VENV with $("$python" --version) (the first time 2 to 4 minutes)" >&2
    if ! "$VENV/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null ||
        [ "$(cat "$VENV/profilestore.project" 2> /dev/null)" != "$PROJECT" ]; then
        "$python" -m venv --clear "$VENV" || fail "$VENV cannot be made"
        echo "$PROJECT" > "$VENV/profilestore.project"
    fi
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$PROJECT[dev]" ||
        fail "the installation failed; pip said why above"
    wanted_stamp "$VENV/bin/python" > "$VENV/profilestore.stamp"
    echo "Installed in $((SECONDS - started)) s" >&2
}

if ! ready; then
    if [ ! -w "$PROJECT" ]; then
        fail "$VENV is missing or out of date, and $(id -un) may not write to $PROJECT"
    fi
    # one at a time, where flock exists (it is dropped with the shell that holds it)
    if command -v flock > /dev/null; then
        exec 9< "$PROJECT/pyproject.toml"
        flock 9
    fi
    ready || install
    exec 9<&-
fi

export PATH="$VENV/bin:$PATH"
unset PYTHONHOME PYTHONPATH
