"""Cached answers in a dict."""

from rowen.store.base import Cached


class MemoryCache:
    """Answers by key."""

    def __init__(self) -> None:
        self._entries: dict[str, Cached] = {}

    async def get(self, key: str, now_ns: int) -> Cached | None:
        """Return what is kept and not expired."""
        found = self._entries.get(key)
        return found if found is not None and found.expires_ns > now_ns else None

    async def put(self, key: str, cached: Cached) -> None:
        """Keep an answer."""
        self._entries[key] = cached

    async def prune(self, now_ns: int, keep: int) -> None:
        """Remove expired entries, and the oldest above `keep`."""
        live = [(key, cached) for key, cached in self._entries.items() if cached.expires_ns > now_ns]
        live.sort(key=lambda entry: (entry[1].stored_ns, entry[0]), reverse=True)
        self._entries = dict(live[:keep])

    async def clear(self, prefix: str = "") -> int:
        """Remove entries by the beginning of their key; return how many."""
        keys = [key for key in self._entries if key.startswith(prefix)]
        for key in keys:
            del self._entries[key]
        return len(keys)
