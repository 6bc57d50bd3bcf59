"""Errors in OpenAI's shape."""

from typing import Any

import msgspec

from rowen.api.reply import sentence
from rowen.values import Problem

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
    499: "cancelled",
    503: "service_unavailable_error",
    504: "timeout_error",
}


def error_of(problem: Problem) -> dict[str, Any]:
    """Return the `error` object of a problem."""
    error: dict[str, Any] = {
        "message": sentence(problem),
        "type": _TYPES.get(problem.status, "server_error"),
        "param": problem.place or None,
        "code": problem.code,
    }
    if problem.details:
        error["details"] = problem.details
    return error


def body(problem: Problem, trace: str) -> bytes:
    """Return the JSON body of a problem."""
    return msgspec.json.encode({"error": error_of(problem), "trace_id": trace})


def in_stream(problem: Problem, trace: str) -> bytes:
    """Return the event of a problem that came after the stream had begun."""
    return b"data: " + body(problem, trace) + b"\n\n"
