"""The process apart: reads originals from its input, one after the other, under limits of its own. Started by `apart`."""

import os
import sys
from importlib.util import find_spec
from typing import BinaryIO

import msgspec

from rowen.retrieve.parse.apart import Asked, Told
from rowen.retrieve.parse.base import Limits
from rowen.retrieve.parse.catalog import parser
from rowen.values import Mistaken

_HEAD = 4


def main() -> None:
    """Answer what comes until the input ends."""
    given = sys.stdin.buffer
    # A library that prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while len(head := given.read(_HEAD)) == _HEAD:
        asked = msgspec.msgpack.decode(given.read(int.from_bytes(head, "big")), type=Asked)
        bound(asked.limits)
        answer(told(asked, given.read(asked.size)), answers)


def told(asked: Asked, data: bytes) -> Told:
    """Return what a parser makes of an original; whatever it raises is a reason."""
    try:
        return Told(parsed=parser(asked.kind)(data, asked.name, asked.limits))
    except Mistaken as mistake:
        return Told(code=mistake.code, message=mistake.message)
    except MemoryError:
        return Told(code="document_too_large", message="reading it takes more memory than is allowed")
    except Exception as error:  # noqa: BLE001 - parsers of other people's libraries; the reason goes to the quarantine
        return Told(code="document_broken", message=f"it cannot be read ({type(error).__name__})")


def answer(told: Told, to: BinaryIO) -> None:
    """Send what came of an original."""
    body = msgspec.msgpack.encode(told)
    to.write(len(body).to_bytes(_HEAD, "big") + body)
    to.flush()


def bound(limits: Limits) -> None:
    """Bound the memory of this process, where the system can."""
    if find_spec("resource") is None:
        return
    import resource  # noqa: PLC0415 - not there on Windows

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = limits.memory if hard == resource.RLIM_INFINITY else min(limits.memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    main()
