"""Pseudonyms are HMAC-SHA-256 to the letter, and the key is printed nowhere."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from profilestore.campaigns.audience.best import Best
from profilestore.campaigns.pseudonyms import Pseudonyms
from profilestore.errors import SettingsError
from profilestore.settings import Settings


def test_the_vectors_of_rfc_4231() -> None:
    """Test case 2, and case 1 with its key of bytes that are text too."""
    assert Pseudonyms(SecretStr("Jefe")).hash("what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert Pseudonyms(SecretStr("\x0b" * 20)).hash("Hi There") == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )


def test_one_user_one_pseudonym_and_another_key_another() -> None:
    first = Pseudonyms(SecretStr("k" * 16))
    assert first.hash("u1") == first.hash("u1") == Pseudonyms(SecretStr("k" * 16)).hash("u1")
    assert len({first.hash("u1"), first.hash("u2"), Pseudonyms(SecretStr("l" * 16)).hash("u1")}) == 3


def test_the_key_is_wanted_long_and_never_printed() -> None:
    with pytest.raises(SettingsError, match="PROFILESTORE_EXPORT_KEY"):
        Pseudonyms.of(Settings())
    with pytest.raises(SettingsError, match="export_key") as raised:
        Settings.load(export_key="too short")
    assert "too short" not in str(raised.value)
    settings = Settings(export_key=SecretStr("correct horse battery"))
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(Pseudonyms.of(settings))):
        assert "correct horse" not in text


def test_the_best_of_a_stream() -> None:
    best = Best(3)
    for start in range(0, 60_000, 1000):
        best.add({f"u{n:06}": float(n % 1000) for n in range(start, start + 1000)})
    assert best.ids() == ["u000999", "u001999", "u002999"]
    everybody = Best(None)
    everybody.add({"b": 1.0, "a": 1.0, "c": 2.0})
    assert everybody.ids() == ["c", "a", "b"]
