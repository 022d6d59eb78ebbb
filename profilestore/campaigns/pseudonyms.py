"""Ids of users for other companies: HMAC-SHA-256 (RFC 2104) with the shop's key.

A plain hash would not do: whoever can guess ids can hash them too. With the key the same user has the same pseudonym
in every export of this shop, and nobody without it can tell whose it is.
"""

from __future__ import annotations

import hashlib
import hmac

from pydantic import SecretStr

from profilestore.errors import SettingsError
from profilestore.settings import Settings

__all__ = ["Pseudonyms"]


class Pseudonyms:
    """Makes pseudonyms with one key, which is in no text of this object."""

    def __init__(self, key: SecretStr) -> None:
        self._made = hmac.new(key.get_secret_value().encode(), digestmod=hashlib.sha256)

    @classmethod
    def of(cls, settings: Settings) -> Pseudonyms:
        """With the shop's key.

        Raises:
            SettingsError: the shop has none.
        """
        if settings.export_key is None:
            raise SettingsError(
                "ids leave the shop as HMAC-SHA-256, and there is no key: set PROFILESTORE_EXPORT_KEY or export_key in "
                "profilestore.toml to a long random text, and keep it; or ask for plain ids."
            )
        return cls(settings.export_key)

    def hash(self, user_id: str) -> str:
        """The pseudonym of a user: 64 hexadecimal digits."""
        made = self._made.copy()
        made.update(user_id.encode())
        return made.hexdigest()
