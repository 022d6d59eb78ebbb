"""A pool of coupons: codes of which each goes to one user, or one code for so many users."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from profilestore.campaigns.coupons.code_file import CodeFile, code_problem
from profilestore.documents import CouponDocument
from profilestore.elastic.coupon_index import CouponIndex
from profilestore.errors import NotFound, UsageError
from profilestore.insight.spreadsheets import reads_as_formula

__all__ = ["TAKE_OTHERS", "Pool", "check_pool", "open_pool"]

TAKE_OTHERS: Final = "Nothing was written; take other codes."


@dataclass(frozen=True)
class Pool:
    """Coupons to be made.

    Attributes:
        size: how many.
        code: the one that all have; None where each has its own,
        codes: which are these.
        source: what to call them in messages.
        lines: of the file where the codes are.
    """

    size: int
    code: str | None = None
    codes: tuple[str, ...] = ()
    source: str = "the codes"
    lines: tuple[int, ...] = ()

    @classmethod
    def of_one(cls, code: str, *, size: int) -> Pool:
        """So many coupons of one code.

        Raises:
            UsageError: the code cannot be taken, or there would be none.
        """
        return cls(size, code=code.strip(), source="the code")._checked()

    @classmethod
    def of_codes(cls, codes: Sequence[str], *, size: int | None = None) -> Pool:
        """A coupon a code: of the first `size`, of all when None.

        Raises:
            UsageError: a code cannot be taken or is there twice, or there are not so many.
        """
        kept = tuple(code.strip() for code in codes)
        return cls(len(kept), codes=kept)._checked().first(size)

    @classmethod
    def of_file(cls, file: CodeFile, *, size: int | None = None) -> Pool:
        """The same of a file that was read."""
        whole = cls(len(file.codes), codes=file.codes, source=file.name, lines=file.lines)
        return whole._checked().first(size)

    def first(self, size: int | None) -> Pool:
        """The first so many of them; all when None."""
        if size is None or size == self.size:
            return self
        if self.code is None and size > len(self.codes):
            raise UsageError(f"{self.source}: there are {len(self.codes):,}, and {size:,} are wanted.")
        return replace(self, size=size, codes=self.codes[:size], lines=self.lines[:size])._checked()

    def _checked(self) -> Pool:
        if self.size < 1:
            raise UsageError(f"{self.source}: a campaign with coupons has at least one.")
        seen: set[str] = set()
        for place, code in enumerate(self.codes if self.code is None else (self.code,)):
            problem = "is there twice" if code in seen else code_problem(code)
            if problem is not None:
                raise UsageError(f"{self._where(place)}: {problem}.")
            seen.add(code)
        return self

    def _where(self, place: int) -> str:
        if place < len(self.lines):
            return f"{self.source}, line {self.lines[place]}"
        return self.source if self.code is not None else f"{self.source}, number {place + 1}"

    def where(self, code: str) -> str:
        """Where a code of them stands, for messages."""
        return self._where(0 if self.code is not None else self.codes.index(code))

    def distinct(self) -> list[str]:
        """Their codes, each once."""
        return list(self.codes) if self.code is None else [self.code]

    def all_codes(self) -> Iterator[str]:
        """The code of each coupon, by number."""
        return iter(self.codes) if self.code is None else (self.code for _ in range(self.size))

    @property
    def caution(self) -> str | None:
        """What whoever chose the codes should know: an export tells each as it is, and CSV cannot tell these so."""
        formulas = sum(map(reads_as_formula, self.distinct()))
        if formulas == 0:
            return None
        which = "the code begins" if self.code is not None else f"{formulas:,} of {self.size:,} codes begin"
        return f"{which} as formulas of spreadsheets do (=, +, -, @): export to a .jsonl file, or take other codes"

    @cached_property
    def digest(self) -> str:
        """SHA-256, hex, of the codes, each ended by a NUL, which none has."""
        found = hashlib.sha256()
        for code in self.distinct():
            found.update(code.encode() + b"\0")
        return found.hexdigest()

    def record(self, campaign: str, *, value: float | None) -> CouponDocument:
        """What is written of the pool itself."""
        return CouponDocument(
            kind="pool", campaign=campaign, code=self.code, value=value, size=self.size, digest=self.digest
        )


def check_pool(
    index: CouponIndex, campaign: str, pool: Pool, *, still_used: Mapping[str, str], then: str = TAKE_OTHERS
) -> None:
    """Raise where a code is one of another campaign's that can still be redeemed.

    Args:
        index: of the coupons.
        campaign: whose pool it is to be.
        pool: the coupons to be.
        still_used: the other campaigns whose time is not over, and the state of each.
        then: what to do about it, for the message.

    Raises:
        UsageError: names the place of the first such code. Of a campaign that was stopped, codes of which each was for
            one user count once one was given; one code for all may be taken up again.
    """
    for other in index.others_with(pool.distinct(), besides=campaign):
        state = still_used.get(other.campaign)
        if state is None or (state == "stopped" and (pool.code is not None or other.given is None)):
            continue
        held = "was given to a user of" if state == "stopped" else "is in the pool of"
        code = other.given if state == "stopped" and other.given is not None else other.code
        raise UsageError(f"{pool.where(code)}: this code {held} campaign {other.campaign}, which is not over. {then}")


def open_pool(index: CouponIndex, campaign: str, pool: Pool, *, value: float | None) -> int:
    """Make a campaign's coupons; those that are there already stay as they are. How many were made now.

    Raises:
        UsageError: the pool was begun with other codes, or another number or value of them.
    """
    record = pool.record(campaign, value=value)
    if not index.begin(record):
        begun = index.pool(campaign)
        if begun is None:
            raise NotFound("the coupons of this campaign were removed just now.", kind="pool", id=campaign)
        if begun != record:
            raise UsageError(
                f"the coupons of campaign {campaign} were begun as {begun.size:,} with other codes or another value: "
                f"they do not change; {pool.source} must be as it was."
            )
        if index.counts(campaign)[0] == begun.size:
            return 0
    return index.make(
        CouponDocument(campaign=campaign, number=number, code=code, value=value)
        for number, code in enumerate(pool.all_codes())
    )
