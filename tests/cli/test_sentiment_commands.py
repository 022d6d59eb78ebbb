"""`insight sentiment` as a shell sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from profilestore import Event, Product, ProfileStore, Settings
from profilestore.cli import app
from tests.cli.commands import flags_of
from tests.unit.features.made_reviews import make_reviews

RUNNER = CliRunner()


@pytest.fixture
def flags(settings: Settings) -> Iterator[list[str]]:
    """The flags of a shop with rated reviews."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id="p", title="mug", price=2.0)])
        store.index_events(
            Event(user_id=review.writer, type="review", product_id="p", text=review.text,
                  rating=5.0 if review.good else 1.0, time=start + timedelta(hours=review.time))
            for review in make_reviews(300)
        )  # fmt: skip
    yield flags_of(settings)


def test_train_score_show_and_of(flags: list[str]) -> None:
    def run(*arguments: str, input: str | None = None) -> str:
        done = RUNNER.invoke(app, ["insight", "sentiment", *arguments, *flags], input=input)
        assert done.exit_code == 0, done.output
        return done.stdout

    def fails(*arguments: str) -> tuple[int, str]:
        done = RUNNER.invoke(app, ["insight", "sentiment", *arguments, *flags])
        return done.exit_code, done.stderr

    assert "lexicon" in run("of", "不好")
    code, said = fails("show")
    assert (code, "insight run sentiment" in said) == (1, True)
    trained = run("train")
    assert "macro-F1 of the classifier" in trained
    assert "is in force" in trained
    record = json.loads(run("train", "--json"))
    assert record["settings"]["model_id"] in trained  # the same reviews and seed: the same model
    assert record["figures"]["macro_f1"]["low"] <= record["figures"]["macro_f1"]["mean"]
    scored = json.loads(run("score", "--json"))
    assert (scored["method"], scored["reviews"], scored["products"]) == ("model", 300, 1)
    assert "0 products and 0 profiles were changed" in run("score")
    assert "by month" in run("show")
    assert "评论" in run("show", "--language", "zh")
    assert json.loads(run("show", "--json"))["window"]["acts"] == 300
    about = json.loads(run("show", "--product", "p", "--json"))
    assert about["reviews"] == 300
    assert sum(month["reviews"] for month in about["months"]) == 300
    assert f"{about['sentiment_mean']:+.2f}" in run("show", "--product", "p")
    lines = [json.loads(line) for line in run("of", "-", "--json", input="不好\nvery sturdy\n").splitlines()]
    assert [(line["text"], line["label"]) for line in lines] == [("不好", "negative"), ("very sturdy", "positive")]
    assert fails("show", "--product", "nothing")[0] == 1
    assert fails("show", "--product", "p", "--user", "u1")[0] == 2
    assert fails("show", "--language", "fr")[0] == 2


def test_too_little_is_a_sentence_and_exit_code_1(settings: Settings) -> None:
    with ProfileStore.open(settings) as store:
        store.init()
    flags = flags_of(settings)
    for verb, reason in (("train", "0 rated reviews"), ("score", "0 reviews with words")):
        done = RUNNER.invoke(app, ["insight", "sentiment", verb, *flags])
        assert done.exit_code == 1, done.output
        assert reason in done.stderr
