"""A customer-profile store and recommender on Elasticsearch.

    from profilestore import ProfileStore
    shop = ProfileStore.open()                # settings from file and environment
    shop.index_products(products); shop.record(events)
    shop.recommend("u42", n=10, in_stock=True)

The public names are loaded when first used, so that importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profilestore.documents import Event, Product, ProfileDocument, User
    from profilestore.errors import (
        AccessDenied,
        ColumnsError,
        ConditionError,
        CouponRefused,
        InputError,
        MappingMismatch,
        ModelError,
        NotFound,
        NotInitialised,
        ProfileStoreError,
        RejectedInput,
        ServerError,
        ServerUnavailable,
        SettingsChanged,
        SettingsError,
        StoreError,
        TooLittleData,
        UpdateGaveUp,
        UsageError,
        WriteFailed,
    )
    from profilestore.settings import Settings
    from profilestore.store import ProfileStore

__all__ = [
    "AccessDenied",
    "ColumnsError",
    "ConditionError",
    "CouponRefused",
    "Event",
    "InputError",
    "MappingMismatch",
    "ModelError",
    "NotFound",
    "NotInitialised",
    "Product",
    "ProfileDocument",
    "ProfileStore",
    "ProfileStoreError",
    "RejectedInput",
    "ServerError",
    "ServerUnavailable",
    "Settings",
    "SettingsChanged",
    "SettingsError",
    "StoreError",
    "TooLittleData",
    "UpdateGaveUp",
    "UsageError",
    "User",
    "WriteFailed",
]

_HOMES = {
    "ProfileStore": "profilestore.store",
    "Settings": "profilestore.settings",
    "Event": "profilestore.documents",
    "Product": "profilestore.documents",
    "ProfileDocument": "profilestore.documents",
    "User": "profilestore.documents",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "profilestore.errors")), name)
