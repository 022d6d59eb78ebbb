"""Files, globs and standard input -> streams of bytes, unpacked, with format and progress known."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from profilestore.errors import InputError, UsageError

__all__ = ["FORMATS", "ByteStream", "Source", "find_sources", "open_stream", "spooled", "spooled_stdin"]

FORMATS: Final = ("csv", "tsv", "jsonl", "parquet")
STDIN: Final = "-"
_CHUNK_BYTES: Final = 1 << 18
_SUFFIXES: Final = {
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """One input. `path` is None for standard input; `label` is what messages and rejects call it."""

    path: Path | None
    label: str

    @property
    def size(self) -> int | None:
        """Bytes on disk, or None where nobody knows."""
        return None if self.path is None else self.path.stat().st_size


def find_sources(paths: Iterable[str | Path | Source]) -> list[Source]:
    """Expand globs and check that each file is there, in the order given (a glob's matches sorted).

    Raises:
        UsageError: no path at all, or standard input twice.
        InputError: a file that is missing, empty or a folder, or a glob that matches nothing.
    """
    sources = [source for path in paths for source in _expand(path)]
    if len(sources) == 0:
        raise UsageError("no input: name at least one file, or - for standard input.")
    if sum(source.path is None for source in sources) > 1:
        raise UsageError("standard input (-) can be read once only.")
    return sources


def _expand(path: str | Path | Source) -> list[Source]:
    if isinstance(path, Source):
        return [path]
    if str(path) == STDIN:
        return [Source(path=None, label=STDIN)]
    found = [Path(path)]
    if not found[0].exists() and glob.has_magic(str(path)):
        matches = glob.glob(str(path), recursive=True)  # noqa: PTH207  Path.glob takes no absolute patterns
        found = sorted(file for file in map(Path, matches) if not file.is_dir())
        if len(found) == 0:
            raise InputError(f"{path}: no file matches. Check the pattern and the folder.")
    for file in found:
        if not file.exists():
            raise InputError(f"{file}: no such file. Check the name and the folder.")
        if file.is_dir():
            raise InputError(f"{file}: is a folder. Name its files, for example {file}/*.csv.")
        if file.is_file() and file.stat().st_size == 0:
            raise InputError(f"{file}: the file is empty.")
    return [Source(path=file, label=str(file)) for file in found]


class ByteStream:
    """The unpacked bytes of a source, in chunks.

    Attributes:
        head: the first bytes, for sniffing; they come again with the chunks.
        done_bytes: bytes taken from disk so far, packed as they are there.
        broken: why the stream ended early, or None. Known when the chunks are exhausted.
    """

    def __init__(self, raw: BinaryIO, *, label: str) -> None:
        self.label = label
        self.done_bytes = 0
        self.broken: str | None = None
        self._raw = raw
        first = self._read()
        self.packed = first.startswith(_GZIP_MAGIC)
        self._chunks = self._unpack(first) if self.packed else self._plain(first)
        self.head = next(self._chunks, b"")

    def __iter__(self) -> Iterator[bytes]:
        if len(self.head) > 0:
            yield self.head
        yield from self._chunks

    def _read(self) -> bytes:
        try:
            chunk = self._raw.read(_CHUNK_BYTES)
        except OSError as error:
            raise InputError(f"{self.label}: cannot be read: {error.strerror}") from error
        self.done_bytes += len(chunk)
        return chunk

    def _plain(self, chunk: bytes) -> Iterator[bytes]:
        while len(chunk) > 0:
            yield chunk
            chunk = self._read()

    def _unpack(self, chunk: bytes) -> Iterator[bytes]:
        # zlib and not gzip.open: what was unpacked before a cut must not be lost with the error.
        member = zlib.decompressobj(wbits=31)
        while len(chunk) > 0:
            try:
                data = member.decompress(chunk, _CHUNK_BYTES)
            except zlib.error:
                self.broken = "the gzip file is damaged after this line"
                return
            if len(data) > 0:
                yield data
            chunk = member.unconsumed_tail
            if member.eof:
                chunk = member.unused_data.lstrip(b"\x00") or self._read().lstrip(b"\x00")
                if len(chunk) > 0:
                    member = zlib.decompressobj(wbits=31)
            elif len(chunk) == 0:
                chunk = self._read()
        if not member.eof:
            self.broken = "the gzip file is truncated after this line"


@contextlib.contextmanager
def open_stream(source: Source) -> Iterator[ByteStream]:
    """Open a source for reading.

    Raises:
        InputError: it cannot be opened, or holds nothing.
    """
    try:
        raw = sys.stdin.buffer if source.path is None else source.path.open("rb")
    except OSError as error:
        raise InputError(f"{source.label}: cannot be opened: {error.strerror}") from error
    try:
        stream = ByteStream(raw, label=source.label)
        if len(stream.head) == 0 and stream.broken is None:
            raise InputError(f"{source.label}: the file is empty.")
        yield stream
    finally:
        if source.path is not None:
            raw.close()


def sniff_format(source: Source, stream: ByteStream, *, wanted: str | None) -> str:
    """The format of a stream: as wanted, by its name, else by its first bytes.

    Raises:
        InputError: a format that cannot be read.
    """
    if wanted is not None:
        if wanted not in FORMATS:
            raise UsageError(f"unknown format; known are {', '.join(FORMATS)}.")
        return wanted
    start = stream.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:4]
    if start == b"PAR1":
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        raise InputError(f"{source.label}: looks like an Excel or zip file. Save it as CSV (UTF-8) first.")
    suffixes = [suffix.lower() for suffix in (source.path.suffixes if source.path is not None else [])]
    known = _SUFFIXES.get(next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), ""))
    if known == "jsonl" and start.startswith(b"["):
        raise InputError(f"{source.label}: is one JSON array. Give one object a line (for example `jq -c '.[]'`).")
    if known is not None and known != "parquet":
        return known
    if known == "parquet":
        raise InputError(f"{source.label}: is called Parquet but does not begin like it.")
    if start.startswith(b"{"):
        return "jsonl"
    first_line = stream.head.split(b"\n", 1)[0]
    return "tsv" if first_line.count(b"\t") > first_line.count(b",") else "csv"


@contextlib.contextmanager
def spooled(chunks: Iterable[bytes]) -> Iterator[Path]:
    """What a stream holds, in a temporary file of mode 0600 that goes with the context."""
    descriptor, name = tempfile.mkstemp(prefix="profilestore-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def spooled_stdin(paths: Iterable[str | Path | Source]) -> Iterator[list[Source]]:
    """The same inputs with standard input put into a file, so that they can be read twice (`--strict`)."""
    sources = find_sources(paths)
    with contextlib.ExitStack() as stack:
        ready = []
        for source in sources:
            if source.path is None:
                descriptor, name = tempfile.mkstemp(prefix="profilestore-")
                stack.callback(Path(name).unlink, missing_ok=True)
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(sys.stdin.buffer, file)
                source = Source(path=Path(name), label=source.label)
            ready.append(source)
        yield ready
