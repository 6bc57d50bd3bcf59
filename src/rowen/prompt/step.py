"""The prompt's place in the chain: puts the app's words before the caller's, and the sources to the question."""

from collections.abc import Awaitable, Callable

from rowen.prompt.base import PromptSettings
from rowen.prompt.sources import RULES, block
from rowen.values import Call, Message, Request, Text, says

_LEADING = {"system", "developer"}


def render(settings: PromptSettings) -> Callable[[Call], Awaitable[Call]]:
    """Return a step that adds the system prompt, and the passages that were found, to chat requests."""
    words = says("system", settings.system.text.strip()) if settings.system else None
    rules = settings.sources.text.strip() if settings.sources else RULES

    async def step(call: Call) -> Call:
        request = call.request
        if call.door.house:
            return call  # a judge is not the app, and must not be told that it is
        if request.kind != "chat" or (words is None and not request.passages):
            return call
        messages = request.messages
        if words is not None and not (
            settings.when == "absent" and any(message.role in _LEADING for message in messages)
        ):
            messages = (words, *messages)
        if request.passages:
            messages = _sourced(messages, request, rules, call.definition, in_system=settings.place == "system")
        return call if messages is request.messages else call.but(request=request.but(messages=messages))

    return step


def _sourced(
    messages: tuple[Message, ...], request: Request, rules: str, salt: str, *, in_system: bool
) -> tuple[Message, ...]:
    """Return the messages with the sources before the last question, or behind the system prompt."""
    quoted = block(request.passages, salt)
    if not in_system:
        return _before_question(_ruled(messages, rules), f"{quoted}\n\n")
    return _ruled(messages, f"{rules}\n\n{quoted}")


def _ruled(messages: tuple[Message, ...], rules: str) -> tuple[Message, ...]:
    """Return the messages with rules at the end of the first system message, or in one of their own."""
    first = messages[0] if messages else None
    if first is None or first.role not in _LEADING:
        return (says("system", rules), *messages)
    return (first.but(parts=(*first.parts, Text(text=f"\n\n{rules}"))), *messages[1:])


def _before_question(messages: tuple[Message, ...], quoted: str) -> tuple[Message, ...]:
    last = max(place for place, message in enumerate(messages) if message.role == "user")
    question = messages[last]
    asked = question.but(parts=(Text(text=f"{quoted}Question: "), *question.parts))
    return (*messages[:last], asked, *messages[last + 1 :])
