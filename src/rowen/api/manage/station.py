"""Where a management request arrives: who is it, may they, what do they ask; then the route's own function."""

import difflib
import logging
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rowen.access import COOKIE, Actor, Entry, Visit
from rowen.api.base import Receive, Send
from rowen.api.base import Scope as Wire
from rowen.api.body import Gone, check_head, read
from rowen.api.envelope import Envelope, Opener
from rowen.api.manage.base import Asked, Manage, Page, Verb, Verbs
from rowen.values import Broken, Mistaken, Problem, Refused, new_id

log = logging.getLogger(__name__)

_HEADERS = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Station:
    """An ASGI callable for all methods of one path. No request leaves it without an answer in the API's own shape."""

    def __init__(self, manage: Manage, opener: Opener, verbs: Verbs) -> None:
        self._manage = manage
        self._open = opener
        self._verbs = {verb.method: verb for verb in verbs}

    async def __call__(self, scope: Wire, receive: Receive, send: Send) -> None:
        """Answer one request."""
        trace = new_id(self._manage.clock.now_ns())
        try:
            status, body = await self._answer(scope, receive)
            headers: tuple[tuple[bytes, bytes], ...] = ()
        except Gone:
            return
        except Problem as problem:
            status, body, headers = self._refusal(problem, trace)
        except Exception:  # whoever asked is answered whatever breaks, and it is recorded
            log.exception("the management request %s broke", trace)
            status, body, headers = self._refusal(Broken("broken"), trace)
        length = (b"content-length", str(len(body)).encode())
        head = [*_HEADERS, *headers, (b"x-request-id", trace.encode()), length]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Wire, receive: Receive) -> tuple[int, bytes]:
        verb = self._verbs.get(scope["method"])
        if not self._verbs:
            raise Mistaken("not_found", place=scope["path"][:200])
        if verb is None:
            raise Mistaken("method_not_allowed", place=scope["method"][:20])
        envelope = self._open(scope)
        entry, visit = await self._admitted(scope, envelope, verb)
        asked = Asked(
            manage=self._manage,
            entry=entry,
            actor=Actor.of(entry, envelope.address),
            visit=visit,
            path=scope.get("path_params", {}),
            params=_params(scope["query_string"], verb.params),
            body=await self._body(envelope, receive, verb),
        )
        found = await verb.run(asked)
        if isinstance(found, Page):
            found = {"data": found.items, "next": found.next}
        elif not verb.bare:
            found = {"data": found}
        return verb.status, msgspec.json.encode(found)

    async def _admitted(self, scope: Wire, envelope: Envelope, verb: Verb[Any, Any]) -> tuple[Entry, Visit | None]:
        """Return whose key or session it is. A key that is sent wins over a cookie that the browser adds."""
        cookie = "" if envelope.digest else _cookie(scope)
        if not cookie:
            return await self._manage.directory.admit(envelope.digest, envelope.address, verb.scope, *verb.also), None
        visit = await self._manage.sessions.visit(cookie, envelope.address)
        if verb.method != "GET":
            self._manage.sessions.check_csrf(visit, _header(scope, b"x-csrf-token"))
        if visit.entry.scopes.isdisjoint((verb.scope, *verb.also)):
            raise Refused("key_scope", f"the key has not the scope `{verb.scope}`", place="scopes")
        return visit.entry, visit

    async def _body(self, envelope: Envelope, receive: Receive, verb: Verb[Any, Any]) -> object:
        if verb.body is None:
            return None
        settings = self._manage.settings
        if envelope.content_type or envelope.length:
            check_head(envelope, settings)
        body = await read(receive, settings)
        if body:
            check_head(envelope, settings)
        elif verb.needs_body:
            raise Mistaken("json_malformed", "the body is empty", place="body")
        try:
            return msgspec.json.decode(body or b"{}", type=verb.body)
        except msgspec.ValidationError as error:
            raise _wrong(str(error), verb.body) from None
        except UnicodeDecodeError:
            raise Mistaken("utf8_invalid", place="body") from None
        except RecursionError:
            raise Mistaken("json_too_deep", place="body") from None
        except msgspec.DecodeError as error:
            raise Mistaken("json_malformed", str(error), place="body") from None

    def _refusal(self, problem: Problem, trace: str) -> tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]:
        error = {
            "code": problem.code,
            "message": problem.message,
            "place": problem.place,
            "next_step": problem.next_step,
            "trace_id": trace,
        }
        headers: list[tuple[bytes, bytes]] = []
        if problem.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if problem.status == 405:
            headers.append((b"allow", ", ".join(sorted(self._verbs)).encode()))
        if problem.retry_after is not None:
            headers.append((b"retry-after", str(max(1, round(problem.retry_after))).encode()))
        return problem.status, msgspec.json.encode({"error": error}), tuple(headers)


def _params(query: bytes, type_: type[Any]) -> object:
    given: dict[str, str] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except UnicodeDecodeError:
        raise Mistaken("utf8_invalid", "the query is not valid UTF-8", place="query") from None
    except ValueError:
        raise Mistaken("field_invalid", "the query has more than 100 parameters", place="query") from None
    known = type_.__struct_fields__
    for name, value in pairs:
        if name not in known:
            raise Mistaken("field_unknown", f"unknown parameter {name[:60]!r}{_near(name, known)}", place=name[:60])
        if name in given:
            raise Mistaken("field_invalid", f"the parameter {name!r} came twice", place=name)
        given[name] = value
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), type_) from None


def _wrong(sentence: str, type_: type[Any]) -> Mistaken:
    """Turn msgspec's sentence into ours: what, and where as a path such as `limits[0].amount`."""
    what, _, where = sentence.partition(" - at `$")
    place = where.rstrip("`").lstrip(".") or "body"
    if what.startswith("Object contains unknown field"):
        name = what.partition("`")[2].rstrip("`")[:60]
        known = getattr(type_, "__struct_fields__", ()) if place == "body" else ()
        return Mistaken("field_unknown", f"unknown field {name!r}{_near(name, known)}", place=f"{place}.{name}")
    return Mistaken("field_invalid", what[:300], place=place)


def _near(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name[:60], known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _header(scope: Wire, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _cookie(scope: Wire) -> str:
    try:
        cookies: Mapping[str, Any] = SimpleCookie(_header(scope, b"cookie"))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""
