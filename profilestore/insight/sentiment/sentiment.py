"""`shop.insight.sentiment`: train on the shop's own rated reviews, score all reviews, and read what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from profilestore.errors import NotFound, TooLittleData
from profilestore.indexing.parts import Parts
from profilestore.insight.backgrounds import read_backgrounds
from profilestore.insight.fairness import by_group
from profilestore.insight.products import write_products
from profilestore.insight.profiles import InsightProfiles, Written
from profilestore.insight.records import InsightRecord, InsightRecords
from profilestore.insight.sentiment.reviews import kind_of_rating, opted_out_users, read_reviews
from profilestore.insight.sentiment.words import card_of, tables_of
from profilestore.insight.steps import Outcome, Run

if TYPE_CHECKING:
    from profilestore.features.sentiment.scoring import Scorer, Sentiment
    from profilestore.features.sentiment.training import RatedText, Trained
    from profilestore.insight.sentiment.opinions import Opinions

__all__ = ["SentimentReport", "Sentiments", "derive_sentiment"]

NAME: Final = "sentiment"
_KIND: Final = "sentiment"
# The nightly run trains again where so many more reviews are rated than at the last training.
_GROWN: Final = 1.1

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SentimentReport:
    """What a scoring wrote. `method` is what is in force, the shop's `model` or our `lexicon`; `methods` counts
    the reviews by who could say something of them."""

    method: str
    reviews: int
    methods: dict[str, int]
    products: int
    profiles: Written
    record: InsightRecord


class Sentiments:
    """The sentiment of one shop's reviews."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._records = InsightRecords(parts.store)

    def train(
        self,
        *,
        as_of: datetime | None = None,
        force: bool = False,
        seed: int = 7,
        progress: Progress = lambda step: None,
    ) -> InsightRecord:
        """Train a classifier on the rated reviews, and put it in force where it beats the lexicon.

        Reviews of users with personalisation off are not learned from. `record.settings["model_id"]` is the
        classifier in force; None where the lexicon stays, and `record.accepted` is False then.

        Args:
            as_of: only reviews before it.
            force: put it in force also where it does not beat the lexicon.
            seed: of folds and learner; the same reviews and seed give the same model.
            progress: is told each step.

        Raises:
            TooLittleData: too few rated reviews, or all of one kind; what is in force stays.
        """
        from profilestore.features.sentiment.training import train_sentiment

        self._fold()
        progress("reading the rated reviews")
        rated, given = self._rated(as_of)
        trained = train_sentiment(rated, seed=seed, progress=progress)
        model_id = None
        if trained.better or force:
            model_id = trained.model.model_id
            self._parts.store.save(_KIND, model_id, trained.model.to_bytes(), figures=trained.figures)
        record = self._record_of(trained, model_id, given)
        self._records.save(record)
        return record

    def score(self, *, as_of: datetime | None = None, progress: Progress = lambda step: None) -> SentimentReport:
        """Score all reviews with what is in force, and write what they say into profiles, products and the record.

        Raises:
            TooLittleData: no review says anything; nothing was written.
        """
        report = self._score(self._known(), as_of=as_of, progress=progress)
        self._records.save(report.record)
        return report

    def of(self, texts: Sequence[str]) -> list[Sentiment]:
        """What these texts say, by what is in force; each answer tells by which."""
        scorer = self.scorer()
        return [scorer.explain(text) for text in texts]

    def about_product(self, product_id: str) -> dict[str, Any]:
        """What the reviews of a product say: over all, by month, by aspect.

        Raises:
            NotFound: it has no review with words.
        """
        return self._about("product", product_id, self._opinions(product_id=product_id))

    def about_user(self, user_id: str) -> dict[str, Any]:
        """The same of what a user wrote.

        Raises:
            NotFound: they wrote nothing that says something, or switched personalisation off.
        """
        if user_id in opted_out_users(self._parts):
            raise NotFound(
                f"user {user_id} switched personalisation off: nothing is said of them.", kind="user", id=user_id
            )
        return self._about("user", user_id, self._opinions(user_id=user_id))

    def scorer(self) -> Scorer:
        """What is in force: scores texts by the shop's classifier, or by the lexicon where none is."""
        return self._scorer_of(self._known())

    def in_force(self) -> str:
        """Names what scores: the classifier, or the lexicon."""
        return str(self._known().settings.get("model_id") or "lexicon")

    def _scorer_of(self, record: InsightRecord) -> Scorer:
        from profilestore.features.sentiment.model import SentimentModel
        from profilestore.features.sentiment.scoring import Scorer

        model_id = record.settings.get("model_id")
        return Scorer(None if model_id is None else SentimentModel.from_bytes(self._parts.store.load(model_id)))

    def _known(self) -> InsightRecord:
        """The record, or the beginning of one."""
        found = self._records.find(NAME)
        return InsightRecord(NAME, {}, settings={"model_id": None}) if found is None else found

    def _fold(self) -> None:
        """What was written to the log a moment ago may be an opt-out."""
        self._parts.in_force.folder.fold_pending()

    def _rated(self, as_of: datetime | None) -> tuple[list[RatedText], int]:
        """Rated reviews to learn from, and how many there are of all users."""
        from profilestore.features.sentiment.training import RatedText

        off = opted_out_users(self._parts)
        rated: list[RatedText] = []
        given = 0
        for page in read_reviews(self._parts, as_of=as_of):
            for review in page:
                good = kind_of_rating(review.rating, self._parts.settings)
                given += good is not None
                if good is not None and review.user_id not in off:
                    rated.append(RatedText(review.text, good, review.user_id, review.time))
        return rated, given

    def _record_of(self, trained: Trained, model_id: str | None, given: int) -> InsightRecord:
        settings = {**trained.settings, "model_id": model_id, "rated_reviews": given}
        held_out = trained.held_out
        groups = by_group(
            read_backgrounds(InsightProfiles(self._parts.in_force.profiles)), held_out.writers,
            actual=held_out.good, predicted=held_out.said, metrics=("macro_f1", "accuracy", "actual", "predicted"),
        )  # fmt: skip
        record = replace(
            self._known(), settings=settings, figures=trained.figures, by_group=groups, accepted=trained.better
        )
        return replace(record, card=card_of(record))

    def _opinions(self, **which: Any) -> Opinions:
        from profilestore.insight.sentiment.opinions import OpinionsBuilder

        builder = OpinionsBuilder(self.scorer())
        for page in read_reviews(self._parts, **which):
            builder.add(page)
        return builder.build()

    def _about(self, kind: str, id: str, opinions: Opinions) -> dict[str, Any]:
        if len(opinions) == 0:
            raise NotFound(f"no review of {kind} {id} says anything.", kind=kind, id=id)
        from profilestore.features.sentiment.scoring import label_of

        return {
            f"{kind}_id": id,
            "reviews": len(opinions),
            "sentiment_mean": round(float(opinions.scores.mean()), 4),
            "sentiment_label": label_of(opinions.scores.tolist()),
            "methods": dict(opinions.methods),
            "months": opinions.by_month(),
            "aspects": opinions.by_aspect(),
        }

    def _score(self, record: InsightRecord, *, as_of: datetime | None, progress: Progress) -> SentimentReport:
        from profilestore.insight.sentiment.opinions import OpinionsBuilder

        self._fold()
        scorer = self._scorer_of(record)
        off = opted_out_users(self._parts)
        builder = OpinionsBuilder(scorer, untold=off)
        reviews = 0
        for page in read_reviews(self._parts, as_of=as_of):
            builder.add(page)
            reviews += len(page)
            progress(f"scored {reviews:,} reviews")
        opinions = builder.build()
        if len(opinions) == 0:
            raise TooLittleData(
                f"{reviews} reviews with words, of which none says anything: sentiment needs texts of review, rate or "
                "comment events."
            )
        by_user = opinions.by_user()
        moment = _moment(opinions, as_of)
        products = write_products(self._parts, opinions.by_product())
        profiles = InsightProfiles(self._parts.in_force.profiles).write(
            NAME, lambda user_id, source: by_user.get(user_id), as_of=moment
        )
        record = replace(record, window=_window(opinions, moment, len(off)), tables=tables_of(opinions))
        record = replace(record, card=card_of(record))
        method = "lexicon" if scorer.model is None else "model"
        return SentimentReport(method, reviews, dict(opinions.methods), products, profiles, record)

    def train_if_grown(self, run: Run, rated: int) -> str:
        """Train where the rated reviews have grown by a tenth; returns a sentence of what came of it."""
        known = self._known().settings.get("rated_reviews", 0)
        if not run.force and known > 0 and rated < _GROWN * known:
            return "the classifier is as young as its reviews"
        try:
            record = self.train(as_of=run.as_of, force=run.force, seed=run.seed, progress=run.progress)
        except TooLittleData as error:
            return str(error)
        ours, theirs = (record.figures[name]["mean"] for name in ("macro_f1", "macro_f1_lexicon"))
        verdict = "beats" if record.accepted else "does not beat"
        return f"held-out macro-F1 {ours:.3f} {verdict} the lexicon's {theirs:.3f}"


def derive_sentiment(run: Run) -> Outcome:
    """The step of `insight run`: train where it is due, score, write.

    Raises:
        TooLittleData: no review says anything; nothing was written.
    """
    sentiments = Sentiments(run.parts)
    rated = sum(
        kind_of_rating(review.rating, run.settings) is not None
        for page in read_reviews(run.parts, as_of=run.as_of)
        for review in page
    )
    trained = sentiments.train_if_grown(run, rated)
    report = sentiments.score(as_of=run.as_of, progress=run.progress)
    message = (
        f"{report.reviews:,} reviews scored by the {report.method}; {report.products:,} products changed; {trained}"
    )
    # The lexicon says that it is one, and is written: only a classifier has a baseline to beat.
    return Outcome(replace(report.record, accepted=True), message, report.profiles)


def _moment(opinions: Opinions, as_of: datetime | None) -> datetime:
    window = opinions.window()
    if as_of is not None or window is None:
        return datetime.now(UTC) if as_of is None else as_of
    return window[1] + timedelta(milliseconds=1)


def _window(opinions: Opinions, moment: datetime, opted_out: int) -> dict[str, Any]:
    window = opinions.window()
    first, last = (None, None) if window is None else (time.isoformat(timespec="seconds") for time in window)
    return {
        "as_of": moment.isoformat(timespec="milliseconds"),
        "first_act": first,
        "last_act": last,
        "acts": len(opinions),
        "users": len(opinions.user_ids),
        "opted_out": opted_out,
        "methods": dict(opinions.methods),
    }
