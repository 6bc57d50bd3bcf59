"""Writes cases in our own shape, and in those that others read."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from rowen.evaluate.files.inspect import inspect_sample
from rowen.evaluate.files.openai import openai_sample
from rowen.evaluate.files.promptfoo import promptfoo_test
from rowen.score.cases import line_of
from rowen.values import Case

Shape = Literal["jsonl", "promptfoo", "openai", "inspect"]
WRITES: tuple[Shape, ...] = ("jsonl", "promptfoo", "openai", "inspect")


def written(cases: Sequence[Case], shape: Shape = "jsonl") -> bytes:
    """Return cases as a file: a line each, or for promptfoo a list of tests in JSON."""
    if shape == "jsonl":
        return b"".join(line_of(case) for case in cases)
    if shape == "promptfoo":
        return msgspec.json.format(msgspec.json.encode([promptfoo_test(case) for case in cases]), indent=2) + b"\n"
    as_line: Callable[[Case], dict[str, Any]] = openai_sample if shape == "openai" else inspect_sample
    return b"".join(msgspec.json.encode(as_line(case)) + b"\n" for case in cases)
