"""Traces over the borders of a process: W3C Trace Context, in and out.

Specification: https://www.w3.org/TR/trace-context-2/. A trace id that is made here is random as a whole and bears the
`random` flag; one that came keeps the flag that it came with. Flags that the specification does not know are not sent on.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SAMPLED, RANDOM = 1, 2

Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
"""Headers as frameworks have them: a mapping, pairs of texts or bytes, a WSGI or process environment."""

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_MEMBER = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_MEMBERS, _LENGTH, _LONG = 32, 512, 128


@dataclass(frozen=True, slots=True)
class Remote:
    """A span elsewhere, which what is done here is a part of."""

    trace: int
    id: int
    flags: int
    state: str = ""
    near: bool = False
    """Whether it is in this process after all: a span of OpenTelemetry."""


def parsed(headers: Headers) -> Remote | None:
    """Return the span that headers name, None when they name none or break the specification."""
    parents, states = _named(headers)
    if len(parents) != 1:
        return None
    found = _PARENT.fullmatch(parents[0].strip(" \t"))
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not int(trace, 16) or not int(span, 16):
        return None
    return Remote(int(trace, 16), int(span, 16), int(flags, 16) & (SAMPLED | RANDOM), _state(",".join(states)))


def written(trace: int, span: int, flags: int, state: str) -> dict[str, str]:
    """Return the headers that name a span."""
    found = {"traceparent": f"00-{trace:032x}-{span:016x}-{flags & (SAMPLED | RANDOM):02x}"}
    if state:
        found["tracestate"] = state
    return found


def _named(headers: Headers) -> tuple[list[str], list[str]]:
    parents: list[str] = []
    states: list[str] = []
    for key, value in headers.items() if isinstance(headers, Mapping) else headers:
        name = (key.decode("latin-1") if isinstance(key, bytes) else key).lower()
        if name in {"traceparent", "http_traceparent"}:
            parents.append(value.decode("latin-1") if isinstance(value, bytes) else value)
        elif name in {"tracestate", "http_tracestate"}:
            states.append(value.decode("latin-1") if isinstance(value, bytes) else value)
    return parents, states


def _state(text: str) -> str:
    """Return the members of a `tracestate` as they are to be sent on; nothing when they break the specification."""
    members = [member.strip(" \t") for member in text.split(",")]
    members = [member for member in members if member]
    names = [member.partition("=")[0] for member in members]
    if len(members) > _MEMBERS or len(set(names)) < len(names):
        return ""
    if not all(_MEMBER.fullmatch(member) for member in members):
        return ""
    if len(",".join(members)) > _LENGTH:
        members = [member for member in members if len(member) <= _LONG]
    while len(",".join(members)) > _LENGTH:
        members.pop()
    return ",".join(members)
