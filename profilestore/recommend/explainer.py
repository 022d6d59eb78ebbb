"""Why a product is in an answer: by the acts of the user where the method is linear, else by what others did.

The request that was sent says what the score is made of: vector spaces by the method's boosts, and weights by
product by the tokens of its `sparse_vector` clauses. So an explanation cannot tell another story than the search.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from profilestore.documents import Event
from profilestore.elastic.product_index import IN_VECTOR_FIELDS
from profilestore.features.fold import WordVectors
from profilestore.features.weights import FoldRules
from profilestore.recommend.answers import Item, Reason
from profilestore.recommend.asking import Shop
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.explaining import Evidence, RememberedProducts, acts_of, product_key, read_spaces
from profilestore.recommend.method import Method, Question
from profilestore.recommend.phrases import Language, Telling, phrase_crowd
from profilestore.recommend.reasons import Act, Space, TokenSpace, explain

__all__ = ["Explainer", "asked_tokens"]

_DAY_S: Final = 86_400.0
# Fields of weights by product, and how an act on such a product is told where it is no event of the log.
_BY_PRODUCT: Final = ("taste_weights", "rules_weights")
_NOW: Final = datetime.fromtimestamp(0, UTC)

Reasons = dict[str, tuple[Reason, ...]]


@dataclass(frozen=True, slots=True)
class _Tokens:
    field: str
    tokens: Mapping[str, float]
    boost: float


class Explainer:
    """Gives each item of the answers of one page its reasons; what several of them need is read once.

    Args:
        shop: where the products are.
        user_ids: of the page; what their profiles are made of is read together, when it is first asked for.
        answered: the products of all answers of the page, whose vectors are read together too.
        evidence: reads what profiles are made of; without it only what others did is told.
        rules: what the profiles in force are folded by.
    """

    def __init__(
        self,
        shop: Shop,
        user_ids: Sequence[str | None],
        *,
        evidence: Evidence | None,
        rules: Callable[[], FoldRules],
        answered: Sequence[str] = (),
    ) -> None:
        self._users = list(dict.fromkeys(user_id for user_id in user_ids if user_id is not None))
        self._evidence = evidence
        self._read_rules = rules
        self._products = RememberedProducts(shop)
        self._answered = list(dict.fromkeys(answered))
        self._read_for: set[frozenset[str]] = set()

    @cached_property
    def _rules(self) -> FoldRules:
        return self._read_rules()

    @cached_property
    def _histories(self) -> Mapping[str, tuple[Sequence[Event], WordVectors]]:
        return {} if self._evidence is None else self._evidence(self._users)

    @cached_property
    def _acted_on(self) -> list[str]:
        """The products of the histories of the page."""
        events = (event for events, _ in self._histories.values() for event in events)
        return list(dict.fromkeys(event.product_id for event in events if event.product_id is not None))

    def _read_ahead(self, spaces: Collection[str]) -> None:
        """What the users of a page need is read in one request a kind, not in some a user."""
        asked = frozenset(spaces)
        if len(self._users) > 1 and asked not in self._read_for:
            self._read_for.add(asked)
            ins, outs = ({fields[space] for space in spaces} for fields in (IN_VECTOR_FIELDS, SPACE_FIELDS))
            self._products.read_ahead(self._acted_on, sorted(ins), True)
            self._products.read_ahead(self._answered, sorted(outs), True)
            self._products.read_ahead(self._acted_on, ["title"], False)

    def explain(
        self,
        items: Sequence[Item],
        *,
        method: Method,
        question: Question,
        body: Mapping[str, Any],
        telling: Telling,
    ) -> Reasons:
        """The reasons of each item, by product id; none where nothing is known that speaks for it.

        Args:
            items: of the answer.
            method: that gave it.
            question: that it answers.
            body: that was sent.
            telling: how many reasons, and in which language.
        """
        ids = [item.product_id for item in items]
        tokens = [asked for asked in asked_tokens(body) if asked.field in _BY_PRODUCT]
        dense = dict(method.boosts(question.trained))
        if question.trained.sparse_taste:
            dense.pop("taste", None)
        if len(question.wish.session) > 0 and len(tokens) == 0:  # its space is chosen by what its products have
            dense = {space: 1.0 for space, field in SPACE_FIELDS.items() if field in set(_knn_fields(body))}
        if len(dense) > 0 or len(tokens) > 0:
            return self._by_acts(ids, question, dense, tokens, telling)
        return self._by_others(ids, method, body, language=telling.language)

    def _by_acts(
        self,
        ids: Sequence[str],
        question: Question,
        dense: Mapping[str, float],
        tokens: Sequence[_Tokens],
        telling: Telling,
    ) -> Reasons:
        rules = self._rules
        half_lives = {space: seconds / _DAY_S for space, seconds in rules.half_life_s.items()}
        words: Mapping[str, Mapping[str, Any]] = {}
        acts: list[Act] = []
        taste = [asked for asked in tokens if asked.field == "taste_weights"]
        if len(question.wish.session) > 0:
            acts = [_act("session", product_id) for product_id in question.wish.session]
        elif question.user_id is not None and (len(dense) > 0 or len(taste) > 0):
            events, words = self._histories.get(question.user_id, ((), {}))
            self._read_ahead(dense)
            acts = acts_of(events, rules=rules)
        rules_asked = [asked for asked in tokens if asked.field == "rules_weights"]
        spaces: list[Space | TokenSpace] = [
            *read_spaces(self._products.read, acts, words=words, items=ids, boosts=dense, half_life_days=half_lives)
        ]
        acts += [_act("together", product_id) for asked in rules_asked for product_id in asked.tokens]
        spaces += [self._token_space(asked, ids, half_life_days=half_lives["taste"]) for asked in tokens]
        titles = self._titles(acts)
        return explain(acts, items=ids, spaces=spaces, titles=titles, top=telling.most, language=telling.language)

    def _token_space(self, asked: _Tokens, ids: Sequence[str], *, half_life_days: float) -> TokenSpace:
        # What rules are asked with is no event, and what taste is asked with is: each finds its own acts.
        key = _together_key if asked.field == "rules_weights" else product_key
        found = self._products.read(ids, [asked.field], True)
        return TokenSpace(
            tokens={key(product_id): weight for product_id, weight in asked.tokens.items()},
            weights={
                id: {key(token): float(value) for token, value in (source.get(asked.field) or {}).items()}
                for id, source in found.items()
            },
            half_life_days=half_life_days,
            boost=asked.boost,
        )

    def _by_others(self, ids: Sequence[str], method: Method, body: Mapping[str, Any], *, language: Language) -> Reasons:
        counts: Mapping[str, Mapping[str, Any]] = {}
        if method.name == "popular":
            self._products.read_ahead(self._answered, ["popularity"], False)
            counts = self._products.read(ids, ["popularity"], False)
        segment = next((asked for asked in asked_tokens(body) if asked.field == "segment_popularity"), None)
        value = None if segment is None else ", ".join(token.partition("=")[2] for token in segment.tokens)
        told: Reasons = {}
        for id in ids:
            count = int(counts.get(id, {}).get("popularity") or 0)
            words = phrase_crowd(method.name, language=language, count=count, value=value)
            told[id] = () if words is None else (Reason(type=method.name, share=1.0, words=words),)
        return told

    def _titles(self, acts: Sequence[Act]) -> dict[str, str | None]:
        acted = sorted({act.product_id for act in acts if act.product_id is not None})
        return {id: source.get("title") for id, source in self._products.read(acted, ["title"], False).items()}


def asked_tokens(body: Mapping[str, Any]) -> list[_Tokens]:
    """The `sparse_vector` clauses of a body that score, wherever they stand, each once."""
    found: list[_Tokens] = []
    for clause in _clauses(body):
        asked = _Tokens(str(clause["field"]), clause["query_vector"], float(clause.get("boost", 1.0)))
        if asked not in found:
            found.append(asked)
    return found


def _clauses(part: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name == "sparse_vector" and isinstance(value, Mapping):
                yield value
            elif name != "filter":  # what filters does not score
                yield from _clauses(value)
    elif isinstance(part, list):
        for value in part:
            yield from _clauses(value)


def _knn_fields(part: Any) -> Iterator[str]:
    """The vector fields that a body asks, wherever they stand."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            clauses = value if isinstance(value, list) else [value]
            if name == "knn":
                yield from (str(clause["field"]) for clause in clauses if isinstance(clause, Mapping))
            else:
                yield from _knn_fields(value)
    elif isinstance(part, list):
        for value in part:
            yield from _knn_fields(value)


def _act(kind: str, product_id: str) -> Act:
    source = _together_key(product_id) if kind == "together" else product_key(product_id)
    return Act(
        event_id=f"{kind} {product_id}",
        type=kind,
        time=_NOW,
        weight=1.0,
        source=source,
        product_id=product_id,
        logged=False,
    )


def _together_key(product_id: str) -> str:
    return f"t{product_id}"
