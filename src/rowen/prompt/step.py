"""The prompt's place in the chain: puts the app's system prompt before what the caller says."""

from collections.abc import Awaitable, Callable

from rowen.prompt.base import PromptSettings
from rowen.values import Call, says

_LEADING = {"system", "developer"}


def render(settings: PromptSettings) -> Callable[[Call], Awaitable[Call]]:
    """Return a step that adds the system prompt to chat requests."""
    words = says("system", settings.system.text.strip()) if settings.system else None

    async def step(call: Call) -> Call:
        request = call.request
        if words is None or request.kind != "chat":
            return call
        if settings.when == "absent" and any(message.role in _LEADING for message in request.messages):
            return call
        return call.but(request=request.but(messages=(words, *request.messages)))

    return step
