"""What OTLP answers: how much was taken, or why nothing was, in the type that was sent.

Specification: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response. Errors are a `google.rpc.Status`.
"""

import msgspec

from rowen.api.reply import sentence
from rowen.values import Problem

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_STATUS = {400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 413: 8, 415: 3, 429: 8, 503: 14}
"""HTTP → the canonical code of gRPC that says the same; 13 is an internal error."""


def taken(kind: str, field: str, rejected: int, message: str) -> bytes:
    """Return an answer that says how many were not kept, and why; empty when all were.

    Args:
        kind: the content type.
        field: the JSON name of the count, such as `rejectedSpans`.
        rejected: how many were not kept.
        message: why, or what else the sender should know.

    """
    if kind == JSON:
        partial: dict[str, object] = {}
        if rejected:
            partial[field] = str(rejected)
        if message:
            partial["errorMessage"] = message
        return msgspec.json.encode({"partialSuccess": partial} if partial else {})
    inner = (b"\x08" + _varint(rejected) if rejected else b"") + _text(2, message)
    return b"\x0a" + _varint(len(inner)) + inner if inner else b""


def refused(kind: str, problem: Problem) -> bytes:
    """Return an error."""
    code, message = _STATUS.get(problem.status, 13), sentence(problem)
    if kind == PROTOBUF:
        return b"\x08" + _varint(code) + _text(2, message)
    return msgspec.json.encode({"code": code, "message": message})


def _text(field: int, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return bytes((field << 3 | 2,)) + _varint(len(raw)) + raw if raw else b""


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
