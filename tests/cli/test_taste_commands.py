"""`train` and `models` as a shell sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from profilestore.cli import app
from profilestore.ingest.sample import generate_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore
from tests.cli.commands import flags_of

RUNNER = CliRunner()


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """The flags of a shop that has products and events."""
    shop = generate_shop(users=60, products=40, events=1500, language="en")
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products(shop.products)
        store.index_events(shop.events)
    yield flags_of(settings)


def test_train_list_and_use(flags: list[str]) -> None:
    trained = RUNNER.invoke(app, ["train", "--budget", "0", "--dims", "8", "--json", *flags])
    assert trained.exit_code == 0, trained.output
    first = json.loads(trained.stdout)
    assert first["settings"]["dims"] == 8
    assert first["figures"]["users"] > 0
    assert "about" in trained.stderr  # time and memory are told before it starts
    assert "GB" in trained.stderr
    again = RUNNER.invoke(app, ["train", "--budget", "0", "--dims", "4", *flags])
    assert "is in force: ease, 4 dimensions" in again.stdout
    used = RUNNER.invoke(app, ["models", "use", first["model"], *flags])
    assert used.exit_code == 0
    assert first["model"] in used.stdout
    models = json.loads(RUNNER.invoke(app, ["models", "list", "--json", *flags]).stdout)["models"]
    in_force = [model["model"] for model in models if model["kind"] == "taste" and model["in_force"]]
    assert in_force == [first["model"]]
    assert sum(model["kind"] == "taste" for model in models) == 2
    spectral = RUNNER.invoke(app, ["train", "--budget", "0", "--learner", "spectral", "--dims", "8", *flags])
    assert "spectral, 8 dimensions" in spectral.stdout
    unknown = RUNNER.invoke(app, ["models", "use", "nothing", *flags])
    assert (unknown.exit_code, "models list" in unknown.stderr) == (1, True)


@pytest.mark.parametrize("wrong", [["--learner", "magic"], ["--dims", "0"], ["--dims", "5000"], ["--budget", "-1"]])
def test_what_cannot_be_meant_ends_with_2(wrong: list[str], settings: Settings) -> None:
    done = RUNNER.invoke(app, ["train", *wrong, "--url", str(settings.elasticsearch_url), "--prefix", settings.prefix])
    assert done.exit_code == 2, done.output
