"""All settings: defaults < profilestore.toml < PROFILESTORE_* < flags.

`Settings.load()` reads them once; they are frozen and handed down. Credentials come from the
environment or the file only, never from a flag, and print as `**********`.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from profilestore.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["DEFAULT_EVENT_WEIGHTS", "SETTINGS_FILE", "Settings"]

SETTINGS_FILE: Final = "profilestore.toml"

# What one act says about taste, on the scale of a purchase of one piece. Quantity and rating scale
# it further, see features/weights.py. A type that is absent says nothing.
DEFAULT_EVENT_WEIGHTS: Final[dict[str, float]] = {
    "view": 0.1,
    "click": 0.1,
    "open": 0.02,
    "search": 0.3,
    "favorite": 0.5,
    "unfavorite": -0.5,
    "like": 0.3,
    "share": 0.4,
    "comment": 0.2,
    "cart": 0.4,
    "cart_remove": -0.3,
    "purchase": 1.0,
    "refund": -1.0,
    "rate": 1.0,
    "review": 1.0,
}
DEFAULT_SEEN_TYPES: Final = ("view", "cart", "purchase", "rate", "review")

# The profile fields that `popular-in-segment` goes by, the one that says most first.
DEFAULT_SEGMENT_FIELDS: Final = ("segment", "value_tier", "member_tier", "gender", "country")
SEGMENT_FIELDS: Final = frozenset(
    (
        *DEFAULT_SEGMENT_FIELDS, "occupation", "education", "income_band", "city", "province", "churn_band",
        "lifecycle", "category", "main_categories", "main_brands", "main_topics", "channels", "devices",
        "payment_methods",
    )
)  # fmt: skip

# When everybody buys; the days are of the shop's time zone.
DEFAULT_SALE_SEASONS: Final[dict[str, str]] = {
    "618": "06-01/06-20",
    "11.11": "11-01/11-12",
    "christmas": "12-01/12-26",
}

Positive = Annotated[float, Field(gt=0)]
_SALE_DAY: Final = r"(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_SALE_PART: Final = rf" *{_SALE_DAY}/{_SALE_DAY} *"
SeasonDays = Annotated[str, Field(pattern=rf"^{_SALE_PART}(,{_SALE_PART})*$")]


class Settings(BaseSettings):
    """Frozen settings of one shop. Every field is a key of profilestore.toml and a PROFILESTORE_* variable."""

    model_config = SettingsConfigDict(
        env_prefix="PROFILESTORE_", frozen=True, extra="forbid", env_nested_delimiter="__"
    )

    # where things are
    home: Path = Field(default_factory=lambda: Path.home() / ".profilestore")
    prefix: str = Field(default="shop", pattern=r"^[a-z0-9][a-z0-9_]*(-[a-z0-9_]+)*$", max_length=100)
    elasticsearch_url: str | None = None
    server: Literal["auto", "docker", "embedded"] = Field(
        default="auto", description="what `up` starts when no URL is given"
    )
    port: int = Field(default=9200, ge=1024, le=65535)
    heap: str = Field(default="1g", pattern=r"^[1-9][0-9]*[mg]$")
    api_key: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_certs: Path | None = None
    request_timeout_s: Positive = 60.0

    # where dashboards are pushed to; without credentials of its own Kibana takes those of Elasticsearch
    kibana_url: str | None = None
    kibana_space: str | None = Field(default=None, pattern=r"^[a-z0-9_-]+$", max_length=100)
    kibana_api_key: SecretStr | None = None
    kibana_username: str | None = None
    kibana_password: SecretStr | None = None

    # the shop
    time_zone: str = "UTC"
    currency: str = Field(default="GBP", pattern=r"^[A-Z]{3}$")
    language: Literal["en", "zh"] = Field(default="en", description="of the words that shoppers and marketers read")

    # indices
    event_shards: int = Field(default=1, ge=1, le=1024)
    replicas: int = Field(default=0, ge=0, le=10)

    # text
    text_model: str = Field(default="auto", description="auto, words, minilm, or a sentence-transformers name or path")
    embedding_dims: int = Field(default=384, ge=2, le=4096)

    # the fold: a change of any of these calls for `profile rebuild --all`
    text_half_life_days: Positive = 90.0
    topics_half_life_days: Positive = 90.0
    taste_half_life_days: Positive = 60.0
    interest_half_life_days: Positive = 90.0
    event_weights: dict[str, float] = Field(default_factory=lambda: dict(DEFAULT_EVENT_WEIGHTS))
    rating_midpoint: float = 3.0
    rating_max: float = 5.0
    seen_types: tuple[str, ...] = DEFAULT_SEEN_TYPES
    seen_limit: int = Field(default=5000, ge=1, le=65_536)
    search_words_limit: int = Field(default=20, ge=1, le=1000)

    # loading and answers
    batch_size: int = Field(default=30_000, ge=1, le=200_000)
    future_limit_hours: Positive = 24.0
    popularity_max_age_s: float = Field(default=3600.0, ge=0)
    trending_half_life_days: Positive = 14.0
    segment_fields: tuple[str, ...] = DEFAULT_SEGMENT_FIELDS
    segment_min_users: int = Field(default=20, ge=1)
    bandit_methods: tuple[str, ...] = ("taste", "hybrid", "text", "trending")
    bandit_period_hours: float = Field(default=24.0, gt=0, le=24 * 365)
    bandit_memory_days: Positive = 30.0
    num_candidates: int = Field(default=200, ge=10, le=10_000)

    # campaigns
    export_key: SecretStr | None = Field(
        default=None, min_length=16, description="of the pseudonyms under which ids leave the shop"
    )
    actor: str | None = Field(default=None, max_length=200, description="who acts, for the audit; else the account")

    # insight
    segment_method: Literal["kmeans", "hierarchical", "dbscan"] = "kmeans"
    segment_count: int | None = Field(default=None, ge=2, le=50)
    odd_days: Positive = 365.0
    odd_order_deviations: Positive = 4.0
    odd_orders_a_day: int = Field(default=6, ge=2)
    odd_acts_an_hour: int = Field(default=120, ge=2)
    odd_acts_a_day: int = Field(default=250, ge=2)
    odd_refunds: int = Field(default=4, ge=1)
    odd_refund_share: float = Field(default=0.4, gt=0, le=1)
    odd_accounts: int = Field(default=4, ge=2)
    odd_likeness: float = Field(default=0.5, gt=0, le=1)
    odd_score: float = Field(default=0.62, gt=0, le=1)
    odd_share: float = Field(default=0.01, ge=0, le=1)
    map_products: Literal["text", "topics", "taste"] = "text"
    map_sample: int = Field(default=5000, ge=20, le=20_000)
    sale_seasons: dict[str, SeasonDays] = Field(
        default_factory=lambda: dict(DEFAULT_SALE_SEASONS),
        description="name -> first and last day, 11-01/11-12 of every year or 2026-02-01/2026-02-17, comma-separated",
    )
    churn_patience: float = Field(default=3.0, ge=1.0, le=10.0, description="own gaps of silence that are churn")
    churn_bands: tuple[float, float] | None = Field(
        default=None, description="risks from which on it is medium, high; else the shop's usual one and twice its odds"
    )
    insight_without: tuple[str, ...] = Field(
        default=(), description="profile fields that no model may use: gender, age, attributes.NAME"
    )

    @field_validator("elasticsearch_url", "kibana_url")
    @classmethod
    def _url_without_credentials(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError("not a URL such as http://127.0.0.1:9200")
        if "@" in parts.netloc:  # a URL is printed, credentials never are
            raise ValueError(
                "put user and password into PROFILESTORE_USERNAME and PROFILESTORE_PASSWORD, or _KIBANA_USERNAME and "
                "_KIBANA_PASSWORD, not the URL"
            )
        return value.rstrip("/")

    @field_validator("segment_fields")
    @classmethod
    def _keyword_fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not set(value) <= SEGMENT_FIELDS:
            raise ValueError(f"keyword fields of profiles: {', '.join(sorted(SEGMENT_FIELDS))}")
        return value

    @field_validator("sale_seasons")
    @classmethod
    def _days_of_a_calendar(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            for part in text.split(","):
                ends = part.strip().split("/")
                if len(ends[0]) != len(ends[1]):
                    raise ValueError(f"{name}: both ends of a part have a year, or none has")
                try:
                    # A leap year, so that 02-29 is a day.
                    first, last = (date.fromisoformat(end if len(end) == 10 else f"2024-{end}") for end in ends)
                except ValueError:
                    raise ValueError(f"{name}: no calendar has such a day") from None
                if len(ends[0]) == 10 and last < first:
                    raise ValueError(f"{name}: the last day is before the first one")
        return value

    @field_validator("churn_bands")
    @classmethod
    def _bands_in_order(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0.0 < value[0] < value[1] < 1.0:
            raise ValueError("two risks in order, above 0 and below 1, such as [0.25, 0.5]")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not an IANA time zone such as Europe/London or Asia/Shanghai") from error
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags (init) over environment over profilestore.toml of the working folder."""
        path = Path(os.environ.get("PROFILESTORE_SETTINGS", SETTINGS_FILE))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)

    @classmethod
    def load(cls, **flags: Any) -> Settings:
        """Read settings from all sources; `flags` win, and those that are None are as not given.

        Raises:
            SettingsError: names each bad setting with its reason, never its value.
        """
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            problems = "; ".join(_explain(problem) for problem in error.errors(include_input=False, include_url=False))
            raise SettingsError(
                f"bad settings: {problems}. Look at {SETTINGS_FILE}, the PROFILESTORE_* environment variables "
                "and the flags."
            ) from None
        except ValueError as error:  # a TOML syntax error
            raise SettingsError(f"{SETTINGS_FILE} is not valid TOML: {error}") from error

    def index(self, kind: str) -> str:
        """The alias of a kind of index: products, profiles, events, models, texts."""
        return f"{self.prefix}-{kind}"

    def fold_fingerprint(self) -> str:
        """Hash of what the fold depends on; profiles folded under another one must be rebuilt."""
        return self._fingerprint(
            "text_half_life_days", "topics_half_life_days", "taste_half_life_days", "interest_half_life_days",
            "event_weights", "rating_midpoint", "rating_max",
            "seen_types", "seen_limit", "search_words_limit", "time_zone",
        )  # fmt: skip

    def insight_fingerprint(self) -> str:
        """Hash of what insight depends on; a step that was done under another one is due again."""
        return self._fingerprint(
            "time_zone", "event_weights", "rating_midpoint", "rating_max", "insight_without", "sale_seasons",
            *(name for name in type(self).model_fields if name.startswith(("churn_", "map_", "odd_"))),
            "segment_method", "segment_count",
        )  # fmt: skip

    def _fingerprint(self, *names: str) -> str:
        relevant = {name: getattr(self, name) for name in names}
        return hashlib.sha256(orjson.dumps(relevant, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


_FORMS: Final = {
    "prefix": "lower-case letters, digits and _, in parts joined by -",
    "heap": "such as 1g or 512m",
    "currency": "three capital letters such as GBP",
    "kibana_space": "the id of a space: lower-case letters, digits, - and _",
    "sale_seasons": "first and last day such as 11-01/11-12, or 2026-02-01/2026-02-17 for one year, comma-separated",
}


def _explain(problem: ErrorDetails) -> str:
    """A setting and what is wrong with it, in words for a person where pydantic speaks of patterns and inputs."""
    place, message = problem["loc"], problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "there is no such setting"
    elif problem["type"] == "string_pattern_mismatch":
        message = _FORMS.get(str(place[0]), message)
    return f"{'.'.join(map(str, place))}: {message}"
