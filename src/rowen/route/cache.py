"""The exact cache: answers in the memory of this process, with the store behind them for the others and for later."""

import asyncio
import hashlib
import logging
from collections import OrderedDict, deque

import msgspec

from rowen.route.base import ModelRoute
from rowen.store.base import Cache, Cached
from rowen.values import Answer, Call, Clock, Problem

log = logging.getLogger(__name__)

_ENCODER = msgspec.json.Encoder(order="deterministic")
_PRUNE_EVERY = 500  # writes


def cache_key(call: Call, route: ModelRoute) -> str:
    """Return the key of a call's answer: the app, a colon, and a hash of all that the answer may depend on.

    In it are the Definition, the tenant (always), the user or key by the model's scope, and the whole request but for
    whether it is streamed, its user and its metadata.
    """
    caller = call.caller
    tenant, user, key = (caller.tenant, caller.user, caller.key) if caller else ("", "", "")
    who: tuple[str, ...] = (tenant,)
    if route.cache_scope == "user":
        # Without any user to tell apart by, the key is the narrowest that is known.
        who = (tenant, user, call.end_user) if user or call.end_user else (tenant, "", "", key)
    elif route.cache_scope == "key":
        who = (tenant, "", "", key)
    # How well each source was found changes with every document; which they are goes into the answer's citations.
    sources = [(each.document, each.version, each.start, each.end, each.query) for each in call.request.passages]
    bare = call.request.but(model=route.name, stream=False, user="", metadata={}, passages=())
    text = _ENCODER.encode((call.app, call.definition, route.cache_scope, who, bare, sources))
    return f"{call.app}:{_digest(text)}"


def cacheable(answer: Answer, route: ModelRoute) -> bool:
    """Whether an answer is whole: every choice came to its own end (or, if so set, to tool calls)."""
    if answer.vectors:
        return True
    good = {"stop", "tool_calls"} if route.cache_tools else {"stop"}
    return bool(answer.choices) and all(choice.reason in good for choice in answer.choices)


class AnswerCache:
    """Bounded in entries and bytes; the least lately used goes first. Writes to the store happen off the path."""

    def __init__(
        self,
        store: Cache | None,
        clock: Clock,
        *,
        most_bytes: int = 64 * 1024 * 1024,
        most_waiting: int = 1000,
        most_stored: int = 100_000,
    ) -> None:
        """Make a cache.

        Args:
            store: shared with other processes; None keeps answers in memory only.
            clock: for expiry.
            most_bytes: of answers in memory, nearly.
            most_waiting: answers on their way to the store; more are kept in memory only, and counted in `unwritten`.
            most_stored: entries that the store keeps.

        """
        self._store = store
        self._clock = clock
        self._most_bytes = most_bytes
        self._most_waiting = most_waiting
        self._most_stored = most_stored
        self._entries: OrderedDict[str, tuple[Cached, int]] = OrderedDict()
        self._bytes = 0
        self._waiting: deque[tuple[str, Cached]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._writes = 0
        self.unwritten = 0
        """Answers that did not reach the store."""

    async def get(self, key: str) -> Cached | None:
        """Return a cached answer that has not expired. A store that cannot be read has none."""
        now_ns = self._clock.now_ns()
        entry = self._entries.get(key)
        if entry is not None:
            if entry[0].expires_ns > now_ns:
                self._entries.move_to_end(key)
                return entry[0]
            self._forget(key)
        if self._store is None:
            return None
        try:
            found = await self._store.get(key, now_ns)
        except Problem as problem:
            log.warning("the cache could not be read: %s", problem.code)
            return None
        if found is not None:
            self._remember(key, found)
        return found

    def put(self, key: str, cached: Cached) -> None:
        """Keep an answer, in memory at once and in the store soon."""
        self._remember(key, cached)
        if self._store is None:
            return
        if len(self._waiting) >= self._most_waiting:
            self.unwritten += 1
            return
        self._waiting.append((key, cached))
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write(self._store))

    def forget(self) -> None:
        """Forget what is in this process's memory, and what waits to be written; the store is for others to clear."""
        self._entries.clear()
        self._waiting.clear()
        self._bytes = 0

    async def close(self) -> None:
        """Write what waits."""
        if self._writer is not None:
            await self._writer

    def _remember(self, key: str, cached: Cached) -> None:
        size = _size(cached.answer)
        if key in self._entries:
            self._forget(key)
        if size > self._most_bytes // 8:  # one huge answer must not push out all the others
            return
        self._entries[key] = (cached, size)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: str) -> None:
        self._bytes -= self._entries.pop(key)[1]

    async def _write(self, store: Cache) -> None:
        """Write until nothing waits, then end; the next answer starts another writer."""
        try:
            while self._waiting:
                key, cached = self._waiting.popleft()
                try:
                    await store.put(key, cached)
                    self._writes += 1
                    if self._writes % _PRUNE_EVERY == 0:
                        await store.prune(self._clock.now_ns(), self._most_stored)
                except Problem as problem:
                    self.unwritten += 1
                    log.warning("the cache could not be written: %s", problem.code)
        finally:
            self._writer = None


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _size(answer: Answer) -> int:
    """Bytes that an answer takes in memory, nearly: its texts and vectors, and a sum for all else."""
    size = 1500 + 32 * sum(map(len, answer.vectors))
    for choice in answer.choices:
        size += 500 * len(choice.logprobs)
        for part in choice.message.parts:
            size += 200 + sum(
                len(text) for name in part.__struct_fields__ if isinstance(text := getattr(part, name), str)
            )
    return size
