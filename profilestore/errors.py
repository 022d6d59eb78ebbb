"""Every error that profilestore raises, as one tree.

    ProfileStoreError
     ├── UsageError                what was asked for cannot be meant (exit code 2)
     │    ├── SettingsError        a setting that is missing, unknown or out of range
     │    ├── ColumnsError         a column mapping that does not fit its file
     │    └── ConditionError       a condition over profile fields that cannot be read
     ├── InputError                input that cannot be read at all
     │    └── RejectedInput        `--strict`: a row that cannot be taken
     ├── CouponRefused             a coupon that this user cannot have, or not use now
     ├── NotFound                  a user, product, index or model that is not there
     ├── ServerError
     │    ├── ServerUnavailable    no server answers, or none can be started
     │    ├── AccessDenied         the server refuses these credentials
     │    └── WriteFailed          a document that the server did not take
     ├── StoreError
     │    ├── NotInitialised       the shop has no indices yet
     │    ├── MappingMismatch      server, mappings and documents disagree
     │    ├── UpdateGaveUp         a profile that others kept changing
     │    └── SettingsChanged      profiles were folded under other settings
     └── ModelError                a text, topic or taste model that is missing, broken or does not fit
          └── TooLittleData        too few users, purchases or classes for insight to say anything

A message says what, where, why and what to do next. It holds ids, counts and types, never a
personal value (promise P6): Elasticsearch's own `reason` quotes field values and is never passed on.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AccessDenied",
    "ColumnsError",
    "ConditionError",
    "CouponRefused",
    "InputError",
    "MappingMismatch",
    "ModelError",
    "NotFound",
    "NotInitialised",
    "ProfileStoreError",
    "RejectedInput",
    "ServerError",
    "ServerUnavailable",
    "SettingsChanged",
    "SettingsError",
    "StoreError",
    "TooLittleData",
    "UpdateGaveUp",
    "UsageError",
    "WriteFailed",
]


class ProfileStoreError(Exception):
    """Root of all errors of this package. `exit_code` is what the CLI ends with."""

    exit_code: int = 1


class UsageError(ProfileStoreError):
    """What was asked for cannot be meant, such as an unknown method or a negative n."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting that is missing, unknown or out of range."""


class ColumnsError(UsageError):
    """A column mapping that does not fit its file. Lists every problem at once."""


class ConditionError(UsageError):
    """A condition that cannot be read or meant. `at` is where, counted from 0; `problem` says what, alone."""

    def __init__(self, problem: str, *, condition: str, at: int) -> None:
        line = condition.count("\n", 0, at) + 1
        column = at - (condition.rfind("\n", 0, at) + 1) + 1
        place = f"at character {column}" if "\n" not in condition else f"in line {line} at character {column}"
        super().__init__(f"{place}: {problem}")
        self.problem = problem
        self.condition = condition
        self.at = at


class InputError(ProfileStoreError):
    """Input that cannot be read at all: no such file, an empty one, an unknown format."""


class RejectedInput(InputError):
    """With `--strict`: the first row that cannot be taken; nothing was written."""

    exit_code = 3

    def __init__(self, message: str, *, file: str, line: int) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class CouponRefused(ProfileStoreError):
    """A coupon that a user cannot have, or not use now. `reason` is one word for programs, such as `none-left`."""

    def __init__(self, message: str, *, campaign: str | None, reason: str) -> None:
        super().__init__(message)
        self.campaign = campaign
        self.reason = reason


class NotFound(ProfileStoreError):
    """A user, product, index or model that is not there."""

    def __init__(self, message: str, *, kind: str, id: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.id = id


class ServerError(ProfileStoreError):
    """Elasticsearch, or Kibana, did not do what it was asked."""


class ServerUnavailable(ServerError):
    """No server answers at the URL, or none can be started here."""


class AccessDenied(ServerError):
    """The server refuses these credentials (401) or this action to them (403)."""


class WriteFailed(ServerError):
    """Documents that the server did not take. `items` holds (id, error type)."""

    def __init__(self, message: str, *, items: Sequence[tuple[str, str | None]]) -> None:
        super().__init__(message)
        self.items = list(items)


class StoreError(ProfileStoreError):
    """The shop's indices are not in a state in which the call can go on."""


class NotInitialised(StoreError):
    """The shop has no indices yet: run `profilestore init`."""


class MappingMismatch(StoreError):
    """Server, mappings and documents disagree. `differences` lists each."""

    def __init__(self, message: str, *, differences: list[str]) -> None:
        super().__init__(message)
        self.differences = differences


class UpdateGaveUp(StoreError):
    """A profile that other writers kept changing under the optimistic lock."""

    def __init__(self, message: str, *, ids: list[str], attempts: int) -> None:
        super().__init__(message)
        self.ids = ids
        self.attempts = attempts


class SettingsChanged(StoreError):
    """Profiles were folded under other weights or half-lives: rebuild them or take the settings back."""


class ModelError(ProfileStoreError):
    """A text, topic or taste model that is missing, broken or does not fit the mapping."""


class TooLittleData(ModelError):
    """Too few users, purchases or classes for insight to say anything; nothing was written."""
