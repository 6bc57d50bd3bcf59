"""Fields of forms: what somebody wrote, held against what is allowed, with the field named where it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from rowen.access import Actor, Visit
from rowen.values import Mistaken

Fields = Mapping[str, Any]


async def managed(request: Request, visit: Visit, address: str) -> tuple[Fields, Actor]:
    """Return the fields of a form and who sent it.

    Raises:
        Refused: `key_scope` unless the sender may manage.

    """
    actor = Actor.of(visit.entry, address)
    actor.must_manage()
    return await request.form(), actor


def line(form: Fields, name: str, *, needed: bool = False, most: int = 200) -> str:
    """Return one line of text.

    Raises:
        Mistaken: `field_invalid` when it is too long, or missing where it is needed.

    """
    found = " ".join(text(form, name, most=most).split())
    if needed and not found:
        raise Mistaken("field_invalid", "write something here", place=name)
    return found


def text(form: Fields, name: str, *, most: int = 20_000) -> str:
    """Return a text of several lines, without the control characters that nobody types.

    Raises:
        Mistaken: `field_invalid` when it is too long.

    """
    found = str(form.get(name, "")).replace("\r\n", "\n").strip()
    if len(found) > most:
        raise Mistaken("field_invalid", f"at most {most:,} characters, there are {len(found):,}", place=name)
    return "".join(letter for letter in found if letter in "\n\t" or letter.isprintable())


def choice(form: Fields, name: str, choices: Sequence[str], usual: str) -> str:
    """Return one of several.

    Raises:
        Mistaken: `field_invalid` for any other.

    """
    found = str(form.get(name, usual))
    if found not in choices:
        raise Mistaken("field_invalid", f"one of: {', '.join(each for each in choices if each)}", place=name)
    return found
