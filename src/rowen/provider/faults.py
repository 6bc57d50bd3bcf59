"""What an upstream's refusals mean: status, headers and error body → one problem of our tree."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from rowen.values import Mistaken, Problem, SystemClock, Unavailable, now

MAX_ERROR_BODY = 262_144  # bytes; enough for any error worth reading
_MAX_SENTENCE = 600

# Anything that looks like a credential: vendors repeat the key in their messages, some of them half masked.
_KEYS = re.compile(
    r"(?i:\bbearer\s+\S+)"
    r"|\b(?:sk|rk|pk|gsk|xai|pplx|hf|r8|key|api)[-_][\w*.-]{6,}"
    r"|\bAIza[\w-]{10,}|\bA(?:KIA|SIA|BSK)[A-Za-z0-9+/=]{8,}"
    r"|[A-Za-z0-9+/=_*-]{36,}"
)
_FILTERS = (
    "content_filter",
    "content_policy",
    "contentfilter",
    "content_management",
    "safety",
    "moderation",
    "blocked",
)
_LIMITS = ("rate_limit", "ratelimit", "throttl", "too_many", "resource_exhausted", "quota", "toomanyrequests")
_KEY_TROUBLE = (
    "authentication",
    "billing",
    "permission",
    "unauthorized",
    "accessdenied",
    "invalid_api_key",
    "unrecognizedclient",
)
_WRONG = (
    "invalid_request",
    "invalid_argument",
    "validation",
    "not_found",
    "unprocessable",
    "context_length",
    "too_large",
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Complaint(NamedTuple):
    """An upstream's error body, whatever its shape: its words, its type and code as one text.

    `status` and `wait` (seconds) are what the body itself says of them.
    """

    message: str
    kind: str
    status: int = 0
    wait: float | None = None


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """Return the problem that an answer with an error status means."""
    if 300 <= status < 400:
        return Unavailable("upstream_garbage", f"The provider answered with a redirect ({status}); check `base_url`.")
    said = complaint(body)
    if kind := headers.get("x-amzn-errortype"):
        said = said._replace(kind=f"{said.kind} {kind}")
    return judged(said, status, retry_after(headers))


def judged(said: Complaint, status: int = 0, wait: float | None = None) -> Problem:
    """Return the problem that a complaint means; also for error events within a stream, which have no status."""
    status = status or said.status
    wait = wait if wait is not None else said.wait
    kind = said.kind.lower()
    words = f"The provider answered{f' {status}' if status else ''}: {said.message}" if said.message else ""
    if status < 500 and any(word in kind for word in _FILTERS):
        return Mistaken("upstream_filtered", words)
    if status == 429 or (not status and any(word in kind for word in _LIMITS)):
        return Unavailable("upstream_limited", words, retry_after=wait)
    if (
        "api_key_invalid" in kind
        or status in {401, 402, 403}
        or (not status and any(word in kind for word in _KEY_TROUBLE))
    ):
        return Unavailable("upstream_key", words)
    if status == 408:
        return Unavailable("upstream_timeout", words, retry_after=wait)
    if status in {409, 424, 425} or status >= 500:
        return Unavailable("upstream_error", words or f"The provider answered {status}.", retry_after=wait)
    if status >= 400 or any(word in kind for word in _WRONG):
        return Mistaken("upstream_refused", words or f"The provider answered {status}.")
    return Unavailable("upstream_error", words, retry_after=wait)


def complaint(body: bytes) -> Complaint:
    """Return what an error body says; its beginning where it is of no known shape."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body[:200].decode("utf-8", "replace").strip()
        return Complaint("" if text.startswith("<") else scrubbed(text), "")
    return complained(found)


def complained(found: Any) -> Complaint:
    """Return what a decoded error says.

    Known are `{"error": {message, type, code, status}}` (OpenAI, Anthropic, Gemini), the same within a list, an `error`
    that is a text (Ollama), `{message, type, code}` (Mistral, Bedrock), and `{detail}` (FastAPI servers).
    """
    while True:
        match found:
            case [first, *_]:
                found = first
            case {"error": dict() | list() | str() as inner}:
                found = inner
            case dict():
                break
            case _:
                return Complaint(scrubbed(str(found)) if found else "", "")
    message = found.get("message") or found.get("Message") or found.get("detail") or ""
    if not isinstance(message, str):
        message = msgspec.json.encode(message).decode()
    kinds = [found.get("type"), found.get("code"), found.get("status"), found.get("__type"), found.get("kind")]
    nested = found.get("innererror")
    if isinstance(nested, dict):
        kinds.append(nested.get("code"))
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and "flagged_input" in metadata:
        kinds.append("moderation")
    details = found.get("details")
    wait = None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            kinds.append(detail.get("reason"))
            wait = _seconds(detail.get("retryDelay")) or wait
    code = found.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 0
    return Complaint(scrubbed(message), " ".join(str(kind) for kind in kinds if kind), status, wait)


def scrubbed(text: str) -> str:
    """Return a vendor's sentence without anything that looks like a key, cut to a readable length."""
    return _KEYS.sub("[removed]", text[: 4 * _MAX_SENTENCE])[:_MAX_SENTENCE].strip()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an upstream asks to wait, or None where it does not say.

    Read are `retry-after-ms`, `retry-after` (seconds or HTTP date, measured against the upstream's own `date`), then
    the `x-ratelimit-reset-*` durations of what is used up, then Anthropic's `anthropic-ratelimit-*-reset` times.
    """
    said = _number(headers.get("retry-after-ms", ""))
    if said is not None:
        return said / 1000
    given = headers.get("retry-after", "")
    if given:
        seconds = _number(given)
        if seconds is not None:
            return seconds
        moment = _http_date(given)
        if moment is not None:
            return max(0.0, (moment - (_http_date(headers.get("date", "")) or now(SystemClock()))).total_seconds())
    waits = [wait for name, value in headers.items() if (wait := _reset(name, value, headers)) is not None]
    return max(waits, default=None)


def _reset(name: str, value: str, headers: Mapping[str, str]) -> float | None:
    if name.startswith("x-ratelimit-reset-"):
        left = headers.get(name.replace("-reset-", "-remaining-", 1))
        if left not in {None, "0"}:
            return None
        return _seconds(value)
    if name.startswith("anthropic-ratelimit-") and name.endswith("-reset"):
        if headers.get(f"{name.removesuffix('-reset')}-remaining") not in {None, "0"}:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        return max(0.0, (moment - (_http_date(headers.get("date", "")) or now(SystemClock()))).total_seconds())
    return None


def _seconds(text: object) -> float | None:
    """Seconds of a duration such as `6m0s`, `20ms` or `34.5s`, or of a plain number."""
    if not isinstance(text, str):
        return None
    parts = _DURATION.findall(text)
    return sum(float(amount) * _UNITS[unit] for amount, unit in parts) if parts else _number(text)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
