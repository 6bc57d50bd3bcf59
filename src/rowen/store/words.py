"""What is searched for by its words: the texts of calls and spans, their attributes, and what a search means.

What is told here of a stored record must never change, since a full-text index forgets a record only when it is told
the same words again.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from math import isfinite
from typing import Any

import msgspec

from rowen.values import Answer, Declined, Message, Request, Text, Thought, ToolCall, ToolResult, Trace

LONGEST = 100_000
"""Characters of the input and of the output of one span that are searched; what follows is kept and not found."""

FACTS = 100
"""Attributes of one span, in the order of their names, that it can be found by."""

FACT_LONGEST = 200
"""Characters of an attribute and its value that it can be found by; longer ones are kept and not found."""

_encode = msgspec.json.Encoder(order="sorted", decimal_format="string").encode
_WORD = re.compile(r"\w+")


def words_of_span(input: Any, output: Any) -> str:
    """Return the texts that went in and out of a span: the same for what was read back from JSON."""
    return f"{_joined(input)}\n{_joined(output)}"


def words_of_call(trace: Trace) -> str:
    """Return the texts that were asked and answered, or what the row tells of them when they are not kept."""
    return words_of(trace.request, trace.answer, trace.row.asked, trace.row.said)


def words_of(request: Request | None, answer: Answer | None, asked: str, said: str) -> str:
    """Return the texts of a call of which the row tells `asked` and `said`."""
    asked = _asked(request) if request is not None else asked
    said = _said(answer) if answer is not None else said
    return f"{asked[:LONGEST]}\n{said[:LONGEST]}"


def facts_of(attributes: Mapping[str, Any]) -> list[str]:
    """Return the tokens by which the attributes of a span are found."""
    facts: list[str] = []
    for number, key in enumerate(sorted(attributes) if len(attributes) > FACTS else attributes):
        if number >= FACTS:
            break
        value = attributes[key]
        said = value if type(value) is str else _plain(value)
        if said is not None and len(key) + len(said) <= FACT_LONGEST:
            facts.append(fact(key, said))
    return facts


def fact(key: str, value: str) -> str:
    """Return the token of one attribute: a word that no text has by chance."""
    return "x" + blake2b(f"{key}={value}".encode(errors="replace"), digest_size=6).hexdigest()


def fact_wanted(attribute: str) -> str:
    """Return the token for `key=value`. A key that has an equals sign cannot be asked for."""
    key, _, value = attribute.partition("=")
    return fact(key, value)


def phrases(text: str) -> list[tuple[list[str], bool]]:
    """Return what a search text asks for: words that follow one another, and whether the last of them may go on."""
    found: list[tuple[list[str], bool]] = []
    pieces = text.split('"')
    for number, piece in enumerate(pieces):
        words = split(piece)
        if number % 2:
            found.extend([(words, False)] if words else [])
        else:
            last = len(words) - 1 if number == len(pieces) - 1 else -1
            found.extend(([word], at == last) for at, word in enumerate(words))
    return found


def split(text: str) -> list[str]:
    """Return the words of a text in lower case without accents, as the index has them."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return [word for run in _WORD.findall(plain.lower()) for word in run.split("_") if word]


def holds(words: list[str], wanted: list[tuple[list[str], bool]]) -> bool:
    """Whether all that is wanted occurs among the words."""
    return bool(wanted) and all(_occurs(words, phrase, goes_on) for phrase, goes_on in wanted)


def _occurs(words: list[str], phrase: list[str], goes_on: bool) -> bool:
    size = len(phrase)
    for first in range(len(words) - size + 1):
        *whole, last = words[first : first + size]
        if whole == phrase[:-1] and (last == phrase[-1] or (goes_on and last.startswith(phrase[-1]))):
            return True
    return False


def _plain(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bool() | int():
            return _encode(value).decode()
        case float():
            return _encode(value).decode() if isfinite(value) else None
        case list() | tuple():
            return _encode(value).decode() if len(value) <= FACT_LONGEST else None
        case dict() | None:
            return None
        case _:
            return _plain(msgspec.to_builtins(value))


def _joined(content: Any) -> str:
    if content is None:
        return ""
    if type(content) is str:
        return content[:LONGEST]
    left, texts = LONGEST, []
    for text in _leaves(content):
        texts.append(text[:left])
        left -= len(text) + 1
        if left <= 0:
            break
    return "\n".join(texts)


_NO_WORDS = {"role", "type", "finish_reason", "id", "mime_type", "modality"}


def _leaves(content: Any) -> Iterator[str]:
    """Yield the texts in a JSON value, without those that only say what kind of thing stands beside them."""
    waiting = [content]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as fields:
                waiting.extend(value for key, value in reversed(fields.items()) if key not in _NO_WORDS)
            case list() | tuple() as items:
                waiting.extend(reversed(items))
            case bool() | None:
                pass
            case int() | float() as number:
                if isfinite(number):
                    yield str(number)
            case other:
                waiting.append(msgspec.to_builtins(other))


def _asked(request: Request) -> str:
    texts = list(request.texts)
    for message in request.messages:
        _tell(message, texts)
    return texts[0] if len(texts) == 1 else "\n".join(texts)


def _said(answer: Answer) -> str:
    texts: list[str] = []
    for choice in answer.choices:
        _tell(choice.message, texts)
    return texts[0] if len(texts) == 1 else "\n".join(texts)


def _tell(message: Message, texts: list[str]) -> None:
    for part in message.parts:
        if isinstance(part, Text | Thought | Declined):
            texts.append(part.text)
        elif isinstance(part, ToolCall):
            texts.extend((part.name, part.arguments))
        elif isinstance(part, ToolResult):
            texts.extend(inner.text for inner in part.parts if isinstance(inner, Text))
