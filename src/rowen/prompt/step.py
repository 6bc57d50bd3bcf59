"""The prompt's place in the chain: puts the app's words before the caller's, and the sources to the question."""

from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches

from rowen.prompt.base import PromptSettings
from rowen.prompt.examples import Shots
from rowen.prompt.sources import RULES, block
from rowen.prompt.variables import unknown
from rowen.prompt.version import hash_of
from rowen.prompt.written import SYSTEM, Written, written_of
from rowen.values import Call, Message, Mistaken, Problem, Prompted, Request, Text, says

_LEADING = {"system", "developer"}
_SHORT = 12  # letters of a hash that are shown


def render(
    settings: PromptSettings, number: Callable[[str, str], int] | None = None, shots: Shots | None = None
) -> Callable[[Call], Awaitable[Call]]:
    """Return a step that adds the app's prompt, and the passages that were found, to chat requests.

    Args:
        settings: the prompts.
        shots: chooses examples; None shows none.
        number: gives the number of a version by its app and hash, 0 where it is not known.

    Raises:
        Mistaken: `config_invalid` for a prompt that does not fit its variables.

    """
    prompts = written_of(settings)
    hashes = {name: hash_of(each) for name, each in prompts.items()}
    own = prompts.get(SYSTEM)
    # A prompt that is the same for everybody is made once.
    words = says("system", own.rendered({}, ""), ours=True) if own is not None and not own.variables else None
    rules = settings.sources.text.strip() if settings.sources else RULES

    async def step(call: Call) -> Call:
        request = call.request
        if call.door.bare:
            return call  # a judge is not the app, and must not be told that it is
        asked = request.prompt
        if request.kind != "chat" or not (own or shots or asked or request.passages):
            return call
        named = own
        messages = request.messages
        if asked is not None:
            named = _named(asked, prompts)
            asked = _versioned(asked, named, hashes[named.name], number(call.app, hashes[named.name]) if number else 0)
            call = call.noting("prompt", name=asked.name, version=asked.version, hash=hashes[named.name][:_SHORT])
            messages = _filled(messages, named, own, asked, call.definition)
        absent = settings.when == "absent" and any(message.role in _LEADING for message in messages)
        if shots is not None and named is own and not absent:
            call, messages = await _shown(call, messages, shots)
        if not absent and (system := named if named is not None and named.role == "system" else own) is not None:
            given = asked.variables if asked is not None else {}
            fixed = words if system is own else None
            messages = (fixed or says("system", system.rendered(given, call.definition), ours=True), *messages)
        if request.passages:
            messages = _sourced(messages, request, rules, call.definition, in_system=settings.place == "system")
        if messages is request.messages and asked is request.prompt:
            return call
        return call.but(request=request.but(messages=messages, prompt=asked))

    return step


def _filled(
    messages: tuple[Message, ...], named: Written, own: Written | None, asked: Prompted, salt: str
) -> tuple[Message, ...]:
    """Return the messages with the question that a prompt of the user is.

    Raises:
        Mistaken: `prompt_variable`; `field_invalid` without any question.

    """
    system = own if named.role == "user" else named
    known = {**(system.variables if system else {}), **named.variables}
    if problem := unknown(asked.variables, known, named.name):
        raise problem
    if named.role == "user":
        return (says("user", named.rendered(asked.variables, salt)), *messages)
    if not messages:
        raise Mistaken("field_invalid", f"the prompt {named.name!r} is no question: send input too", place="input")
    return messages


async def _shown(call: Call, messages: tuple[Message, ...], shots: Shots) -> tuple[Call, tuple[Message, ...]]:
    """Return the messages behind examples of the last question. What hinders examples hinders no answer."""
    question = next((each.text for each in reversed(messages) if each.role == "user"), "")
    try:
        chosen = await shots.chosen(question, call.reader)
    except Problem as problem:
        return call.noting("prompt", examples_failed=problem.code), messages
    turns = [
        turn
        for each in chosen.examples
        for turn in (says("user", each.question, ours=True), says("assistant", each.answer, ours=True))
    ]
    first = next((place for place, each in enumerate(messages) if each.role not in _LEADING), len(messages))
    return call.noting("prompt", **chosen.facts), (*messages[:first], *turns, *messages[first:]) if turns else messages


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


def _versioned(asked: Prompted, named: Written, hash: str, number: int) -> Prompted:
    """Return what was asked for with the version that there is.

    Raises:
        Mistaken: `prompt_unknown` for another one.

    """
    version, wanted = str(number or "") or hash[:_SHORT], asked.version
    if wanted and wanted != version and not (len(wanted) >= 8 and hash.startswith(wanted)):
        message = f"the prompt is version {version} here, not {wanted[:70]!r}: an app's Definition carries one of each"
        raise Mistaken("prompt_unknown", message, place="prompt.version")
    return asked.but(name=named.name, version=version)


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
        return (says("system", rules, ours=True), *messages)
    return (first.but(parts=(*first.parts, Text(text=f"\n\n{rules}", ours=True))), *messages[1:])


def _before_question(messages: tuple[Message, ...], quoted: str) -> tuple[Message, ...]:
    last = max(place for place, message in enumerate(messages) if message.role == "user")
    question = messages[last]
    asked = question.but(parts=(Text(text=f"{quoted}Question: ", ours=True), *question.parts))
    return (*messages[:last], asked, *messages[last + 1 :])
