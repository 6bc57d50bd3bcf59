"""The cache by meaning: a question that means the same as an earlier one may have its answer.

A wrong answer that is shared is the worst that a cache can do, so an answer is shared only among calls that agree in all
but the last question's words: tenant, rights, app and its Definition, model and parameters, conversation, and index. The
texts are held against one another by rule as well (`differ`), and the documents that the answer cites must have been
found again for the new question, in the same version. Entries live in the memory of one process.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal, NamedTuple, Protocol, cast

import msgspec

from rowen.route.base import ModelRoute
from rowen.route.differ import differ
from rowen.store.base import Cached
from rowen.values import Answer, Call, Clock, Embed, Mistaken, Request, Text, is_ours
from rowen.values.words import words

_encode = msgspec.json.Encoder(order="deterministic").encode
_CANDIDATES = 5
_PENDING = 1_000


class Nearest(Protocol):
    """Keeps vectors and finds the nearest (`route.near`)."""

    def add(self, key: int, vector: bytes) -> int | None: ...
    def nearest(self, vector: bytes, most: int) -> list[tuple[int, float]]: ...


class Near(NamedTuple):
    """What was found for a question: the answer when it may be given, and what the trace is told."""

    answer: Answer | None
    facts: dict[str, Any]


class _Entry(NamedTuple):
    question: str
    cached: Cached
    sources: frozenset[tuple[str, str]]


class _Asked(NamedTuple):
    scope: str
    question: str
    vector: bytes
    would: str
    """In shadow mode, the text that would have been shared."""


class SimilarCache:
    """Answers by the meaning of their questions.

    Args:
        embed: makes the vectors.
        threshold: cosine from which two questions may mean the same.
        mode: `on`: answers are shared. `shadow`: only noted, and held against what the model then answers.
        clock: for expiry.
        most: questions kept in one scope.
        scopes: how many scopes are kept; the least lately used goes first.

    Raises:
        Mistaken: `extra_missing` without NumPy.

    """

    def __init__(
        self,
        embed: Embed,
        *,
        threshold: float,
        mode: Literal["on", "shadow"],
        clock: Clock,
        most: int = 1_000,
        scopes: int = 200,
    ) -> None:
        self._embed = embed
        self._threshold = threshold
        self._on = mode == "on"
        self._clock = clock
        self._most = most
        self._scopes_most = scopes
        self._make = _nearest()
        self._scopes: OrderedDict[str, tuple[Nearest, dict[int, _Entry]]] = OrderedDict()
        self._pending: OrderedDict[str, _Asked] = OrderedDict()
        self._count = 0

    async def find(self, call: Call, route: ModelRoute) -> Near:
        """Return what an earlier call was answered whose question means the same."""
        question = question_of(call.request)
        if question is None:
            return Near(None, {})
        scope = scope_of(call, route, self._embed.fingerprint)
        made = await self._embed([question], role="query")
        near = self._nearest(call, scope, question, made.data)
        self._pending[call.id] = _Asked(scope, question, made.data, near.answer.text if near.answer else "")
        while len(self._pending) > _PENDING:
            self._pending.popitem(last=False)
        return near if self._on else Near(None, near.facts)

    def keep(self, call: Call, cached: Cached) -> dict[str, Any]:
        """Keep the answer that a model gave for the next one who asks alike; return what the trace is told."""
        asked = self._pending.pop(call.id, None)
        if asked is None:
            return {}
        nearest, entries = self._scope(asked)
        self._count += 1
        gone = nearest.add(self._count, asked.vector)
        if gone is not None:
            entries.pop(gone, None)
        entries[self._count] = _Entry(asked.question, cached, sources_of(call, cached.answer))
        return {"similar_agrees": round(agreement(asked.would, cached.answer.text), 3)} if asked.would else {}

    def forget(self) -> None:
        """Forget all questions and answers."""
        self._scopes.clear()
        self._pending.clear()

    def _nearest(self, call: Call, scope: str, question: str, vector: bytes) -> Near:
        found = self._scopes.get(scope)
        if found is None:
            return Near(None, {})
        self._scopes.move_to_end(scope)
        nearest, entries = found
        now_ns = self._clock.now_ns()
        here = {(passage.document, passage.version) for passage in call.request.passages}
        facts: dict[str, Any] = {}
        for key, cosine in nearest.nearest(vector, _CANDIDATES):
            entry = entries.get(key)
            if cosine < self._threshold:
                break
            if entry is None or entry.cached.expires_ns <= now_ns:
                continue
            why = differ(question, entry.question) or ("" if entry.sources <= here else "sources")
            facts = facts or {"similarity": round(cosine, 4), "similar_to": entry.cached.trace, "similar_but": why}
            if not why:
                facts |= {"similarity": round(cosine, 4), "similar_to": entry.cached.trace, "similar_but": ""}
                return Near(entry.cached.answer, facts)
        return Near(None, facts)

    def _scope(self, asked: _Asked) -> tuple[Nearest, dict[int, _Entry]]:
        found = self._scopes.get(asked.scope)
        if found is None:
            found = self._scopes[asked.scope] = (self._make(len(asked.vector) // 4, self._most), {})
            while len(self._scopes) > self._scopes_most:
                self._scopes.popitem(last=False)
        return found


def question_of(request: Request) -> str | None:
    """Return the words of the last question; None where a request has more to it that an answer may hang on."""
    if request.kind != "chat" or request.n > 1 or request.tools or not request.messages:
        return None
    last = request.messages[-1]
    # Sources are held against each other on their own.
    parts = [part for part in last.parts if not is_ours(part)]
    if last.role != "user" or not parts or not all(isinstance(part, Text) for part in parts):
        return None
    return "".join(part.text for part in parts if isinstance(part, Text))


def scope_of(call: Call, route: ModelRoute, fingerprint: str) -> str:
    """Return a hash of all in which two calls must agree."""
    caller = call.caller
    tenant, user, key = (caller.tenant, caller.user, caller.key) if caller else ("", "", "")
    # What an app knows may be for one user alone, and an answer may hold more than it cites.
    who: tuple[Any, ...] = (tenant, sorted(caller.groups) if caller else (), user if call.looked else "")
    if route.cache_scope != "tenant":
        who += (user, call.end_user) if route.cache_scope == "user" and (user or call.end_user) else (key,)
    request = call.request
    bare = request.but(
        model=route.name, stream=False, user="", metadata={}, passages=(), messages=request.messages[:-1]
    )
    index = [(one.name, one.found.build) for one in call.looked]
    text = _encode((call.app, call.definition, route.cache_scope, who, bare, index, fingerprint))
    return hashlib.sha256(text).hexdigest()


def sources_of(call: Call, answer: Answer) -> frozenset[tuple[str, str]]:
    """Return the documents that an answer rests on, with their versions: those it cites, else all it was given."""
    cited = {(each.document, each.version) for choice in answer.choices for each in choice.citations}
    return frozenset(cited or {(each.document, each.version) for each in call.request.passages})


def agreement(one: str, other: str) -> float:
    """Return how far two answers have the same words: twice the common ones by all (Dice), 0 to 1."""
    ours, theirs = set(words(one)), set(words(other))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs)) if ours or theirs else 1.0


def _nearest() -> Callable[[int, int], Nearest]:
    try:
        return cast("Callable[[int, int], Nearest]", import_module("rowen.route.near").Nearest)
    except ModuleNotFoundError as error:
        message = "a cache by meaning needs `pip install rowen[rag]`"
        raise Mistaken("extra_missing", message, place="cache.similar") from error
