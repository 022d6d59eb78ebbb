"""Laws of looking at users side by side: nobody is missed or met twice, and portions fit into memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from profilestore.dashboards.refresh.looked_at import bounded, joined, paged
from profilestore.elastic.activity_index import Held

USERS = st.dictionaries(st.text(alphabet="aAéz0漢𝄞", min_size=1, max_size=3), st.integers(1, 9), max_size=12)


def in_order(users: dict[str, int]) -> list[tuple[str, int]]:
    """As Elasticsearch sorts keywords: by their bytes."""
    return sorted(users.items(), key=lambda user: user[0].encode())


@given(USERS, USERS)
def test_users_of_either_come_once_in_order_with_what_both_say(in_log: dict[str, int], held: dict[str, int]) -> None:
    ours = [(user, acts, acts * 2) for user, acts in in_order(in_log)]
    theirs = [(user, Held(acts, frozenset("s"), acts)) for user, acts in in_order(held)]
    found = list(joined(ours, theirs))
    assert [user.id for user in found] == [user for user, _ in in_order(in_log | held)]
    for user in found:
        assert (user.acts, user.last) == (in_log.get(user.id, 0), in_log.get(user.id, 0) * 2)
        assert user.held.acts == held.get(user.id, 0)


@given(USERS, USERS, st.integers(1, 5), st.integers(1, 20))
def test_portions_hold_everybody_and_no_more_than_fits(
    in_log: dict[str, int], held: dict[str, int], size: int, most: int
) -> None:
    ours = [(user, acts, 0) for user, acts in in_order(in_log)]
    theirs = [(user, Held(acts, frozenset(), 0)) for user, acts in in_order(held)]
    everybody = list(joined(ours, theirs))
    pages = list(paged(everybody, size=size))
    assert [user for page in pages for user in page] == everybody
    assert all(len(page) == size for page in pages[:-1])
    portions = list(bounded(everybody, acts=most))
    assert [user for portion in portions for user in portion] == everybody
    for portion in portions:
        assert len(portion) == 1 or sum(max(user.acts, user.held.acts) for user in portion) <= most
