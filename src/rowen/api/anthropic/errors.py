"""Errors in Anthropic's shape."""

import msgspec

from rowen.api.reply import sentence
from rowen.values import Problem

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def body(problem: Problem, trace: str) -> bytes:
    """Return the JSON body of a problem. `code` and `param` are ours; Anthropic's clients pass them on."""
    error: dict[str, object] = {
        "type": _TYPES.get(problem.status, "api_error"),
        "message": sentence(problem),
        "code": problem.code,
    }
    if problem.place:
        error["param"] = problem.place
    if problem.details:
        error["details"] = problem.details
    return msgspec.json.encode({"type": "error", "error": error, "request_id": trace})


def in_stream(problem: Problem, trace: str) -> bytes:
    """Return the event of a problem that came after the stream had begun."""
    return b"event: error\ndata: " + body(problem, trace) + b"\n\n"
