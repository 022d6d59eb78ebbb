"""`ProfileStore`: one shop, as Python code and the command line use it."""

from profilestore.store.profile_store import ProfileStore

__all__ = ["ProfileStore"]
