"""The prompt's place in the chain: puts the app's words before the caller's, and the sources to the question."""

from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches

from rowen.prompt.base import PromptSettings
from rowen.prompt.sources import RULES, block
from rowen.prompt.variables import unknown
from rowen.prompt.version import hash_of
from rowen.prompt.written import SYSTEM, Written, written_of
from rowen.values import Call, Message, Mistaken, Prompted, Request, Text, says

_LEADING = {"system", "developer"}
_SHORT = 12  # letters of a hash that are shown


def render(
    settings: PromptSettings, number: Callable[[str, str], int] | None = None
) -> Callable[[Call], Awaitable[Call]]:
    """Return a step that adds the app's prompt, and the passages that were found, to chat requests.

    Args:
        settings: the prompts.
        number: gives the number of a version by its app and hash, 0 where it is not known.

    Raises:
        Mistaken: `config_invalid` for a prompt that does not fit its variables.

    """
    prompts = written_of(settings)
    hashes = {name: hash_of(each) for name, each in prompts.items()}
    own = prompts.get(SYSTEM)
    # A prompt that is the same for everybody is made once.
    words = says("system", own.rendered({}, "")) if own is not None and not own.variables else None
    rules = settings.sources.text.strip() if settings.sources else RULES

    async def step(call: Call) -> Call:
        request = call.request
        if call.door.house:
            return call  # a judge is not the app, and must not be told that it is
        asked = request.prompt
        if request.kind != "chat" or (own is None and asked is None and not request.passages):
            return call
        named = own
        if asked is not None:
            named = _named(asked, prompts)
            hash = hashes[named.name]
            version = str(number(call.app, hash) or "") if number else ""
            _is(asked, hash, version)
        messages = request.messages
        system = named if named is not None and named.role == "system" else own
        given = asked.variables if asked is not None else {}
        if asked is not None and named is not None:
            known = {**(system.variables if system else {}), **named.variables}
            if problem := unknown(given, known, named.name):
                raise problem
        if not messages and named is not None and named.role == "system":
            raise Mistaken("field_invalid", f"the prompt {named.name!r} is no question: send input too", place="input")
        if named is not None and named.role == "user":
            messages = (says("user", named.rendered(given, call.definition)), *messages)
        if system is not None and not (
            settings.when == "absent" and any(message.role in _LEADING for message in messages)
        ):
            first = (
                words
                if system is own and words is not None
                else says("system", system.rendered(given, call.definition))
            )
            messages = (first, *messages)
        if request.passages:
            messages = _sourced(messages, request, rules, call.definition, in_system=settings.place == "system")
        if asked is not None and named is not None:
            asked = asked.but(name=named.name, version=version or hash[:_SHORT])
            call = call.noting("prompt", name=asked.name, version=asked.version, hash=hash[:_SHORT])
        if messages is request.messages and asked is request.prompt:
            return call
        return call.but(request=request.but(messages=messages, prompt=asked))

    return step


def _named(asked: Prompted, prompts: Mapping[str, Written]) -> Written:
    """Return the prompt that a call asks for.

    Raises:
        Mistaken: `prompt_unknown`.

    """
    name = asked.name or SYSTEM
    found = prompts.get(name)
    if found is None:
        near = get_close_matches(name[:100], prompts, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(prompts) or 'none'}"
        raise Mistaken("prompt_unknown", f"the app has no prompt {name[:100]!r}: {hint}", place="prompt.id")
    return found


def _is(asked: Prompted, hash: str, version: str) -> None:
    """Hold the version that a call asks for against the one that there is.

    Raises:
        Mistaken: `prompt_unknown`.

    """
    wanted = asked.version
    if wanted and wanted != version and not (len(wanted) >= 8 and hash.startswith(wanted)):
        now = f"version {version or hash[:_SHORT]}"
        message = f"the prompt is {now} here, not {wanted[:70]!r}: an app's Definition carries one version of each"
        raise Mistaken("prompt_unknown", message, place="prompt.version")


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
