"""Scorer: the answer is JSON, and fits a JSON Schema."""

import json
import re
from typing import Any

import jsonschema_rs

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag
from rowen.values import Mistaken
from rowen.values import Settings as Table

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


class Settings(Table, frozen=True, kw_only=True):
    """The form that the answer must have."""

    schema: dict[str, Any] = {}
    """A JSON Schema (2020-12 unless it names another)."""
    fenced: bool = False
    """Whether JSON inside a Markdown code fence will do."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer that says whether the answer parses and fits, and where it first does not.

    RFC 8259; https://json-schema.org/draft/2020-12. References to other places are not fetched.

    Raises:
        Mistaken: `config_invalid` for a schema that is none.

    """
    try:
        schema = jsonschema_rs.validator_for(settings.schema, retriever=_nowhere) if settings.schema else None
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise Mistaken("config_invalid", f"that is no JSON Schema: {error}", place="schema") from error

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        text = subject.answer
        if settings.fenced and (found := _FENCE.match(text)):
            text = found[1]
        try:
            data = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            return (flag(False, f"no JSON: {error}"),)
        if schema is None:
            return (flag(True),)
        for wrong in schema.iter_errors(data):
            place = "/".join(map(str, wrong.instance_path))
            return (flag(False, f"{wrong.message[:300]} at /{place}"),)
        return (flag(True),)

    return Plain("1", judge)


def _nowhere(address: str) -> Any:
    raise ValueError(f"the schema refers to {address}, and nothing is fetched")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
