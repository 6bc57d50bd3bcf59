"""Refuses early and cheaply what no limit needs to be counted for: prompts and answers longer than allowed."""

from rowen.limits.base import LimitsSettings
from rowen.values import CountTokens, Mistaken, Refused, Request, Text, Thought, ToolCall, ToolResult
from rowen.values.message import Part

MOST_CHOICES = 128
"""The largest `n`, as in OpenAI's API."""

_LONGEST_TOKEN = 128
"""Bytes of the longest token of the o200k vocabulary (a run of spaces): text of more bytes than this many times the
limit is too long whatever it says."""
_LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8, at most. No byte-level vocabulary makes more than one token of a byte."""
_FRAME = 16
"""Tokens around a message, generously."""


def check_answer(request: Request, settings: LimitsSettings) -> None:
    """Refuse a request for a longer answer, or more of them, than allowed.

    Raises:
        Refused: `answer_too_long`.
        Mistaken: `field_invalid`: a number that is no length.

    """
    if request.n < 1:
        raise Mistaken("field_invalid", f"n must be at least 1, not {request.n}.", place="n")
    if request.max_tokens is not None and request.max_tokens < 0:
        raise Mistaken(
            "field_invalid", f"max_tokens must not be negative, not {request.max_tokens}.", place="max_tokens"
        )
    thinking = request.reasoning.budget_tokens if request.reasoning else None
    if thinking is not None and thinking < 0:
        raise Mistaken("field_invalid", f"The thinking budget must not be negative, not {thinking}.", place="reasoning")
    if request.n > MOST_CHOICES:
        raise Refused(
            "answer_too_long",
            f"{request.n} choices were asked for; at most {MOST_CHOICES} are allowed.",
            place="n",
            details={"allowed": MOST_CHOICES, "asked": request.n},
        )
    asked = max(request.max_tokens or 0, thinking or 0) * request.n
    if asked > settings.answer_tokens:
        choices = f" in {request.n} choices" if request.n > 1 else ""
        raise Refused(
            "answer_too_long",
            f"An answer of up to {asked} tokens{choices} was asked for; "
            f"at most {settings.answer_tokens} are allowed (limits.answer_tokens).",
            place="max_tokens",
            details={"allowed": settings.answer_tokens, "asked": asked},
        )


def check_prompt(
    request: Request, settings: LimitsSettings, count_tokens: CountTokens, at_most: CountTokens
) -> int | None:
    """Refuse a prompt longer than allowed; return its tokens if they had to be counted, else None.

    Most prompts are so short, and abusive ones so long, that their length settles it.

    Raises:
        Refused: `prompt_too_long`.

    """
    allowed = settings.prompt_tokens
    characters, plain = _characters(request)
    ids = sum(map(len, request.tokens))
    if characters > allowed * _LONGEST_TOKEN or ids > allowed:
        raise _too_long(allowed, f"more than {max(characters // _LONGEST_TOKEN, ids, allowed)}")
    most = characters * _LONGEST_CHARACTER + ids + _FRAME * (len(request.messages) + len(request.texts) + 1)
    if (plain and most <= allowed) or (not plain and at_most(request) <= allowed):
        return None
    counted = count_tokens(request)
    if counted > allowed:
        raise _too_long(allowed, str(counted))
    return counted


def _too_long(allowed: int, counted: str) -> Refused:
    return Refused(
        "prompt_too_long",
        f"The prompt has {counted} tokens; at most {allowed} are allowed (limits.prompt_tokens).",
        place="messages",
        details={"allowed": allowed},
    )


def _characters(request: Request) -> tuple[int, bool]:
    """Return the characters of the prompt's text, and whether they are all that takes tokens."""
    total = sum(map(len, request.texts))
    if request.prompt is not None:
        total += sum(len(str(value)) for value in request.prompt.variables.values())
    plain = not request.tools and request.format is None
    for message in request.messages:
        for part in message.parts:
            if type(part) is Text:  # nearly all are
                total += len(part.text)
                continue
            length = _length(part)
            total += length or 0
            plain = plain and length is not None
    return total, plain


def _length(part: Part) -> int | None:
    match part:
        case Text() | Thought():
            return len(part.text)
        case ToolCall():
            return len(part.name) + len(part.arguments)
        case ToolResult():
            lengths = [_length(inner) for inner in part.parts]
            return None if None in lengths else sum(length or 0 for length in lengths)
        case _:
            return None
