"""The door for everything under `/api/public/` but spans: finds the route, admits the caller, answers in Langfuse's shapes."""

import logging
import re
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from rowen.api import body as bodies
from rowen.api.base import Receive, Scope, Send
from rowen.api.body import Gone
from rowen.api.envelope import Opener
from rowen.api.langfuse import configs, datasets, ingestion, prompts, queues, scores, traces
from rowen.api.langfuse.base import SHAPE, Asked, Langfuse, Run
from rowen.api.reply import Reply, retry_headers, sentence
from rowen.values import Broken, Mistaken, Problem, new_id

log = logging.getLogger(__name__)

PREFIX = "/api/public/"

ROUTES: tuple[tuple[str, str, Run], ...] = (
    ("GET", "health", traces.health),
    ("GET", "projects", traces.projects),
    ("GET", "traces", traces.find),
    ("GET", "traces/{}", traces.get),
    ("GET", "v2/observations", traces.observations),
    ("GET", "observations", traces.observations),
    ("POST", "ingestion", ingestion.ingest),
    ("POST", "scores", scores.create),
    ("GET", "v2/scores", scores.find),
    ("GET", "v3/scores", scores.find),
    ("DELETE", "scores/{}", scores.remove),
    ("GET", "score-configs", configs.find),
    ("POST", "score-configs", configs.create),
    ("GET", "score-configs/{}", configs.get),
    ("PATCH", "score-configs/{}", configs.change),
    ("GET", "annotation-queues", queues.find),
    ("POST", "annotation-queues", queues.create),
    ("GET", "annotation-queues/{}", queues.get),
    ("GET", "annotation-queues/{}/items", queues.find_items),
    ("POST", "annotation-queues/{}/items", queues.add),
    ("GET", "annotation-queues/{}/items/{}", queues.get_item),
    ("GET", "v2/prompts", prompts.find),
    ("POST", "v2/prompts", prompts.create),
    ("GET", "v2/prompts/{}", prompts.get),
    ("DELETE", "v2/prompts/{}", prompts.remove),
    ("PATCH", "v2/prompts/{}/versions/{}", prompts.label),
    ("GET", "v2/datasets", datasets.find),
    ("POST", "v2/datasets", datasets.create),
    ("GET", "v2/datasets/{}", datasets.get),
    ("GET", "datasets/{}", datasets.get),
    ("GET", "dataset-items", datasets.find_items),
    ("POST", "dataset-items", datasets.put_item),
    ("GET", "dataset-items/{}", datasets.get_item),
    ("DELETE", "dataset-items/{}", datasets.remove_item),
)
"""Method, path below the prefix, and what answers. `{}` is a part that varies."""

_COMPILED = [
    (method, re.compile(re.escape(path).replace(r"\{\}", "([^/]+)")), run, path) for method, path, run in ROUTES
]
_NAMES = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "LangfuseNotFoundError", 409: "Conflict"}


class LangfuseDoor:
    """A plain ASGI callable."""

    def __init__(self, langfuse: Langfuse) -> None:
        self._langfuse = langfuse
        self._open = Opener(langfuse.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        trace = new_id(self._langfuse.clock.now_ns())
        reply = Reply(send, trace)
        try:
            status, found = await self._answer(scope, receive)
        except Gone:
            return
        except Problem as problem:
            await self._refuse(reply, problem)
        except Exception as error:  # whoever asked is answered whatever breaks, and it is recorded
            log.exception("the Langfuse door broke on %s", trace)
            await self._refuse(reply, Broken("broken", f"{type(error).__name__} at the door"))
        else:
            await reply.whole(status, b"" if found is None else msgspec.json.encode(found))

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        run, place = _found(scope)
        envelope = self._open(scope)
        entry = await self._langfuse.admit(envelope.digest, envelope.address, "call", "read", endpoint=SHAPE)
        body: Any = None
        if scope["method"] in {"POST", "PATCH"}:
            settings = self._langfuse.settings
            bodies.check_head(envelope, settings)
            body = _json(await bodies.read(receive, settings), settings.depth)
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), max_num_fields=100))
        asked = Asked(langfuse=self._langfuse, entry=entry, place=place, query=query, body=body)
        found = await run(asked)
        if isinstance(found, tuple):
            return found
        return (204, None) if found is None else (200, found)

    async def _refuse(self, reply: Reply, problem: Problem) -> None:
        self._langfuse.metrics.refused(SHAPE, problem.status, problem.code)
        headers = retry_headers(problem)
        if problem.status == 401:
            headers.append((b"www-authenticate", b"Basic"))
        body = msgspec.json.encode(
            {"message": sentence(problem), "error": _NAMES.get(problem.status, "Error"), "code": problem.code}
        )
        await reply.whole(problem.status, body, headers)


def _found(scope: Scope) -> tuple[Run, tuple[str, ...]]:
    """Return what answers a request, and the parts of its path that vary.

    A name in a path may hold a slash: its percent signs are read after the path was taken apart.
    """
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0].removeprefix(PREFIX).rstrip("/")
    known = False
    for method, pattern, run, _ in _COMPILED:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if method == scope["method"]:
            return run, tuple(unquote(part) for part in match.groups())
        known = True
    if known:
        raise Mistaken("method_not_allowed", f"{scope['path'][:200]} does not take {scope['method'][:20]}")
    if path.split("/")[0] == "media":
        raise Mistaken(
            "not_found", "Rowen keeps no files of Langfuse's media: the span keeps their type and hash, not the bytes."
        )
    raise Mistaken("not_found", f"Rowen has no {scope['path'][:200]}; see the page on Langfuse's SDK for what it has.")


def _json(body: bytes, depth: int) -> Any:
    """Return the JSON of a body: an object, or a list of scores."""
    if body.lstrip()[:1] != b"[":
        return bodies.table_of(body, depth)
    return bodies.table_of(b'{"all":' + body + b"}", depth + 1)["all"]
