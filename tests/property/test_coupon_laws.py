"""The laws of coupons: whoever dies or comes at once, each user has at most one, and there are never more.

Several issuers, a `forget`, other writers, a second opening of the pool and a move of the indices take turns at
documents in memory that are read in real time and written under revisions, as Elasticsearch does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profilestore.campaigns.coupons import issuing
from profilestore.campaigns.coupons.issuing import Issuing
from profilestore.campaigns.coupons.settling import settle
from profilestore.documents import Revision, assignment_id, coupon_id
from profilestore.elastic.coupon_index import without_holder
from profilestore.elastic.revised import Held
from tests.property.turns import Turns

NAME = "spring"
Document = dict[str, Any]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "wait", lambda attempt: None)


@dataclass
class Index:
    """Documents under revisions, in an index that moves."""

    documents: dict[str, tuple[int, Document]] = field(default_factory=dict)
    seq_no: int = 0
    generation: int = 1

    def held(self, id: str) -> Held | None:
        found = self.documents.get(id)
        return None if found is None else Held(id, f"index-{self.generation}", Revision(found[0], 1), dict(found[1]))

    def put(self, id: str, source: Document) -> Revision:
        self.documents[id] = (self.seq_no, dict(source))
        self.seq_no += 1
        return Revision(self.seq_no - 1, 1)

    def create(self, id: str, source: Document) -> None:
        if id not in self.documents:
            self.put(id, source)

    def write(self, held: Held, source: Document) -> Held | None:
        found = self.documents.get(held.id)
        if held.index != f"index-{self.generation}" or found is None or found[0] != held.revision.seq_no:
            return None
        return Held(held.id, held.index, self.put(held.id, source), dict(source))

    def move(self) -> None:
        """To another index, where all have other numbers."""
        sources = {id: source for id, (_, source) in self.documents.items()}
        self.generation, self.seq_no, self.documents = self.generation + 1, 0, {}
        for id, source in sources.items():
            self.put(id, source)


@dataclass
class World:
    """A campaign of `users`, some in the control arm, and its coupons."""

    users: list[str]
    codes: int
    control: frozenset[str] = frozenset()
    assignments: Index = field(default_factory=Index)
    coupons: Index = field(default_factory=Index)

    def __post_init__(self) -> None:
        for user in self.users:
            arm = "control" if user in self.control else "treatment"
            self.assignments.put(assignment_id(NAME, user), {"user_id": user, "arm": arm})
        for number in range(self.codes):
            self.make(number)

    def make(self, number: int) -> None:
        self.coupons.create(coupon_id(NAME, number), {"campaign": NAME, "number": number, "code": f"C{number}"})

    def check(self) -> None:
        """What holds at every moment."""
        coupons = {id: source for id, (_, source) in self.coupons.documents.items()}
        assert len(coupons) == self.codes
        holders = [source["user_id"] for source in coupons.values() if "user_id" in source]
        assert len(holders) == len(set(holders)), "a user has two coupons"
        assert not set(holders) & self.control
        for id, (_, place) in self.assignments.documents.items():
            if "code" in place:
                coupon = coupons[place["coupon"]]
                assert coupon["user_id"] == place["user_id"], f"{id} has a code that is another's"
                assert coupon["code"] == place["code"]
        for id, source in coupons.items():
            user = source.get("user_id")
            place = self.assignments.documents.get(assignment_id(NAME, user)) if user is not None else None
            assert place is None or place[1]["coupon"] == id, "a user has a coupon that their assignment does not name"


class Documents:
    """An index as one process sees it."""

    def __init__(self, index: Index, turns: Turns | None) -> None:
        self._index = index
        self._turns = turns

    def _step(self, act: Any) -> Any:
        return act(False) if self._turns is None else self._turns.step(act)

    def read(self, ids: Sequence[str]) -> dict[str, Held]:
        return self._step(lambda dies: {id: held for id in ids if (held := self._index.held(id)) is not None})

    def write(self, changes: Sequence[tuple[Held, Document]]) -> list[Held | None]:
        if len(changes) == 0:
            return []

        def act(dies: bool) -> list[Held | None]:
            # Who is killed in a bulk request leaves the server to do it, or some of it where the server dies, too.
            reached = changes[: len(changes) // 2] if dies else changes
            return [self._index.write(held, source) for held, source in reached]

        return self._step(act)


class Coupons(Documents):
    def size(self, campaign: str) -> int:
        return len(self._index.documents)

    def free(self, campaign: str, *, n: int, start: int) -> list[Held]:
        def act(dies: bool) -> list[Held]:
            held = [self._index.held(id) for id in sorted(self._index.documents)]
            free = [each for each in held if each and not {"user_id", "forgotten"} & each.source.keys()]
            return sorted(free, key=lambda each: (each.source["number"] < start, each.source["number"]))[:n]

        return self._step(act)

    def given(self, campaign: str) -> list[list[Held]]:
        held = [self._index.held(id) for id in sorted(self._index.documents)]
        return [[each for each in held if each and "user_id" in each.source]]


def issuer(world: World, users: Sequence[str], *, killed_at: int | None) -> Turns:
    def work(turns: Turns) -> dict[str, str | None]:
        return make_issuing(world, turns).issue(NAME, users)

    return Turns(work, killed_at=killed_at)


def make_issuing(world: World, turns: Turns | None) -> Issuing:
    return Issuing(assignments=Documents(world.assignments, turns), coupons=Coupons(world.coupons, turns))


def forgetter(world: World, user: str, *, killed_at: int | None) -> Turns:
    """As `erase_user`: again until a round finds nothing."""

    def work(turns: Turns) -> None:
        place, coupons, found = assignment_id(NAME, user), Coupons(world.coupons, turns), True
        while found:
            found = turns.step(lambda dies: world.assignments.documents.pop(place, None) is not None)
            named = turns.step(lambda dies: [each for each in coupons.given(NAME)[0] if each.source["user_id"] == user])
            coupons.write([(each, without_holder(each.source)) for each in named])
            found = found or len(named) > 0

    return Turns(work, killed_at=killed_at)


def opener(world: World) -> Turns:
    """A second start that makes the coupons again."""

    def work(turns: Turns) -> None:
        for number in range(world.codes):
            turns.step(lambda dies, number=number: world.make(number))

    return Turns(work)


def toucher(world: World, user: str) -> Turns:
    """Who changes something else of an assignment, as what is believed of a user who opts out."""

    def work(turns: Turns) -> None:
        places, id = Documents(world.assignments, turns), assignment_id(NAME, user)
        done = False
        while not done:
            held = places.read([id]).get(id)
            done = held is None or places.write([(held, held.source | {"segment": None})]) != [None]

    return Turns(work)


def mover(world: World) -> Turns:
    def work(turns: Turns) -> None:
        turns.step(lambda dies: world.assignments.move())
        turns.step(lambda dies: world.coupons.move())

    return Turns(work)


USERS = [f"u{n}" for n in range(3)]
KILLS = st.one_of(st.none(), st.integers(0, 12))


def finish(world: World, batches: Sequence[Sequence[str]], processes: Sequence[Turns], *, gone: str | None) -> None:
    """When all are over or dead: nothing is stuck, and who comes again gets what they have, or one that is left."""
    for process in processes:
        while process.take():
            world.check()
    issuing, coupons = make_issuing(world, None), Coupons(world.coupons, None)
    if all(process.killed_at is None for process in processes):
        assert all(each.source["user_id"] != gone for each in coupons.given(NAME)[0]), "a forgotten user came back"
    elif gone is not None:
        forgetter(world, gone, killed_at=None).end()
    for users, process in zip(batches, processes, strict=False):
        for user in users if process.result is not None else ():
            place = world.assignments.held(assignment_id(NAME, user))
            assert user == gone or (place is not None and process.result[user] == place.source.get("code"))
    told = issuing.issue(NAME, USERS)
    settle(NAME, index=coupons, assignments=Documents(world.assignments, None), issuing=issuing)  # type: ignore[arg-type]
    world.check()
    given = {source["user_id"] for _, source in world.coupons.documents.values() if "user_id" in source}
    assert given == {user for user, code in told.items() if code is not None}
    for _, place in world.assignments.documents.values():
        assert "coupon" not in place or world.coupons.documents[place["coupon"]][1]["user_id"] == place["user_id"]
    entitled = set(USERS) - world.control - {gone}
    spent = sum("forgotten" in source for _, source in world.coupons.documents.values())
    assert given <= entitled
    assert spent <= (gone is not None)
    assert len(given) == min(len(entitled), world.codes - spent)
    for users, process in zip(batches, processes, strict=False):
        for user in users if process.result is not None else ():
            # A code that was told stays theirs, and where none was left, none comes to be.
            assert process.result[user] == told[user] or user == gone


@given(
    codes=st.integers(1, 4),
    batches=st.lists(
        st.tuples(st.permutations(USERS).flatmap(lambda users: st.integers(1, 3).map(lambda n: users[:n])), KILLS),
        min_size=1,
        max_size=4,
    ),
    forgotten=st.one_of(st.none(), st.tuples(st.sampled_from(USERS), KILLS)),
    moves=st.booleans(),
    opens=st.booleans(),
    touched=st.one_of(st.none(), st.sampled_from(USERS)),
    order=st.lists(st.integers(0, 6), min_size=10, max_size=60),
    control=st.frozensets(st.sampled_from(USERS), max_size=1),
)
@settings(max_examples=300, deadline=None)
def test_at_most_one_a_user_and_never_more_in_any_order_of_any_deaths(
    codes: int,
    batches: list[tuple[list[str], int | None]],
    forgotten: tuple[str, int | None] | None,
    moves: bool,
    opens: bool,
    touched: str | None,
    order: list[int],
    control: frozenset[str],
) -> None:
    world = World(USERS, codes, control)
    processes = [issuer(world, users, killed_at=killed_at) for users, killed_at in batches]
    processes += [] if forgotten is None else [forgetter(world, forgotten[0], killed_at=forgotten[1])]
    processes += [mover(world)] if moves else []
    processes += [opener(world)] if opens else []
    processes += [] if touched is None else [toucher(world, touched)]
    for place in order:
        processes[place % len(processes)].take()
        world.check()
    finish(world, [users for users, _ in batches], processes, gone=None if forgotten is None else forgotten[0])


@pytest.mark.parametrize(
    ("batch", "other", "codes"),
    [
        (["u0"], ["u1", "u0"], 3),  # the second looks for other coupons than the first
        (["u0", "u1"], ["u2", "u0"], 2),
        (["u0"], ["u1"], 1),
        (["u0"], "forget", 1),
        (["u0", "u1"], "move", 2),
        (["u0"], "touch", 1),
    ],
)
def test_two_processes_in_every_order_with_three_changes_between_them(
    batch: list[str], other: list[str] | str, codes: int
) -> None:
    """All places where the first may stop for the other, the other for the first, and the first again."""
    for first, second, third in product(range(9), range(1, 9), range(9)):
        world = World(USERS, codes)
        processes = [issuer(world, batch, killed_at=None)]
        if isinstance(other, list):
            processes.append(issuer(world, other, killed_at=None))
        else:
            others = {
                "move": mover,
                "touch": partial(toucher, user=batch[0]),
                "forget": partial(forgetter, user=batch[0], killed_at=None),
            }
            processes.append(others[other](world))
        for process, steps in ((0, first), (1, second), (0, third), (1, 99)):
            for _ in range(steps):
                if not processes[process].take():
                    break
                world.check()
        batches = [batch, other] if isinstance(other, list) else [batch]
        finish(world, batches, processes, gone=batch[0] if other == "forget" else None)
