"""Small conversions of content that more than one vendor's wire needs."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rowen.values import File, Image, Message, Mistaken, Role

INVALID_JSON = "invalid_json"
"""Where the text of tool arguments stands that are not a JSON object, at vendors that take only objects."""


def arguments_of(text: str) -> dict[str, Any]:
    """Return tool arguments as an object; text that is none is kept whole under `INVALID_JSON`."""
    if not text.strip():
        return {}
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {INVALID_JSON: text}
    return found if isinstance(found, dict) else {INVALID_JSON: text}


def arguments_text(arguments: dict[str, Any]) -> str:
    """Return an object as the JSON text of tool arguments; the way back of `arguments_of`."""
    if arguments.keys() == {INVALID_JSON} and isinstance(text := arguments[INVALID_JSON], str):
        return text
    return msgspec.json.encode(arguments).decode()


def inlined(part: Image | File) -> tuple[str, str]:
    """Return the media type and base64 data of a part that holds its content, `("", "")` where it only has an address."""
    if part.data:
        return part.media_type, part.data
    if part.url.startswith("data:"):
        head, comma, data = part.url[5:].partition(",")
        if comma and head.endswith(";base64"):
            return head.removesuffix(";base64").partition(";")[0], data
    return "", ""


def text_of(part: File) -> str | None:
    """Return a text document's text; None where the file is something else."""
    media_type, data = inlined(part)
    if not data or not media_type.startswith("text/"):
        return None
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except binascii.Error as error:
        raise Mistaken("field_invalid", "A file's data is not base64.", place="messages") from error


def turns(messages: Iterable[Message]) -> Iterator[tuple[Role, list[Message]]]:
    """Yield the user's and the assistant's turns in strict alternation, tool results with the user's.

    System and developer messages are left out: the vendors that need this take them apart from the turns.
    """
    side: Role | None = None
    gathered: list[Message] = []
    for message in messages:
        if message.role in {"system", "developer"}:
            continue
        this: Role = "assistant" if message.role == "assistant" else "user"
        if side is not None and this != side:
            yield side, gathered
            gathered = []
        side = this
        gathered.append(message)
    if side is not None:
        yield side, gathered
