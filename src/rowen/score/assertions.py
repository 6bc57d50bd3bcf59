"""Scorer: the assertions that a case itself brings along, as tests of promptfoo have them.

https://www.promptfoo.dev/docs/configuration/expected-outputs/deterministic/. What needs a program or a model is not run: such a case
fails and says so, so that nothing passes unseen.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import re2

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag
from rowen.score.distance import edit_distance
from rowen.values import Mistaken
from rowen.values import Settings as Table

_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_NEAR = 5  # letters that may differ, where `levenshtein` names no threshold


class Settings(Table, frozen=True, kw_only=True):
    """The assertions of each case; there is nothing to set."""


def make(_: Settings, __: Ports) -> Scorer:
    """Return a scorer that says whether all assertions of the case hold, and which do not.

    They are read from the case's metadata, under `assert`. A case without any is not judged.
    """

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        metadata = subject.variables.get("metadata")
        given = metadata.get("assert") if isinstance(metadata, Mapping) else None
        if not isinstance(given, list) or not given:
            return ()
        failed = [said for each in given if (said := _failed(each, subject, metadata or {}))]
        return (flag(not failed, "; ".join(failed)[:1000], count=len(given)),)

    return Plain("1", judge)


def _failed(assertion: Any, subject: Subject, metadata: Mapping[str, Any]) -> str:
    """Return what is not as it should be, empty where it is."""
    kind = str(assertion.get("type", "equals")) if isinstance(assertion, Mapping) else ""
    base = kind.removeprefix("not-")
    test = _TESTS.get(base)
    if test is None:
        raise Mistaken("field_unsupported", f"the assertion {kind[:60]!r} is not run here", place="assert")
    value = _filled(assertion.get("value"), metadata.get("vars"))
    threshold = assertion.get("threshold")
    holds = test(subject, value, float(threshold) if isinstance(threshold, int | float) else None)
    if holds is not kind.startswith("not-"):
        return ""
    return f"{kind} {json.dumps(value, ensure_ascii=False)[:100]}" if value is not None else kind


def _filled(value: Any, variables: Any) -> Any:
    """Return a value with the variables of its test put in."""
    if isinstance(value, str) and isinstance(variables, Mapping):
        return _SLOT.sub(lambda found: str(variables.get(found[1], found[0])), value)
    return [_filled(each, variables) for each in value] if isinstance(value, list) else value


def _equals(subject: Subject, value: Any, _: float | None) -> bool:
    if isinstance(value, dict | list):
        return _parsed(subject.answer) == (value,)
    return subject.answer == str(value)


def _texts(value: Any) -> list[str]:
    """Return several texts: a list, or one text with commas between them."""
    return (
        [str(each) for each in value] if isinstance(value, list) else [each.strip() for each in str(value).split(",")]
    )


def _contains(every: bool, fold: Callable[[str], str]) -> Callable[[Subject, Any, float | None], bool]:
    def test(subject: Subject, value: Any, _: float | None) -> bool:
        answer = fold(subject.answer)
        return (all if every else any)(fold(each) in answer for each in _texts(value))

    return test


def _regex(subject: Subject, value: Any, _: float | None) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(str(value), options=options).search(subject.answer) is not None
    except re2.error as error:
        raise Mistaken("field_invalid", f"the pattern cannot be read: {error}", place="assert") from error


def _parsed(text: str) -> tuple[Any, ...]:
    """Return what a text is as JSON, alone in a row; nothing where it is none."""
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return ()


def _is_json(subject: Subject, value: Any, _: float | None) -> bool:
    found = _parsed(subject.answer)
    if not found or not isinstance(value, Mapping):
        return bool(found)
    try:
        return bool(jsonschema_rs.validator_for(dict(value)).is_valid(found[0]))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise Mistaken("field_invalid", f"that is no JSON Schema: {error}", place="assert") from error


def _most(figure: Callable[[Subject], Any]) -> Callable[[Subject, Any, float | None], bool]:
    def test(subject: Subject, _: Any, threshold: float | None) -> bool:
        found = figure(subject)
        if found is None or threshold is None:
            raise Mistaken("field_invalid", "it needs a threshold, and the figure itself", place="assert")
        return float(found) <= threshold

    return test


_TESTS: dict[str, Callable[[Subject, Any, float | None], bool]] = {
    "equals": _equals,
    "contains": lambda subject, value, _: str(value) in subject.answer,
    "icontains": lambda subject, value, _: str(value).lower() in subject.answer.lower(),
    "contains-all": _contains(every=True, fold=str),
    "contains-any": _contains(every=False, fold=str),
    "icontains-all": _contains(every=True, fold=str.lower),
    "icontains-any": _contains(every=False, fold=str.lower),
    "starts-with": lambda subject, value, _: subject.answer.startswith(str(value)),
    "regex": _regex,
    "is-json": _is_json,
    "levenshtein": lambda subject, value, most: (
        edit_distance(subject.answer, str(value)) <= (_NEAR if most is None else most)
    ),
    "latency": _most(lambda subject: subject.duration_ms),
    "cost": _most(lambda subject: subject.variables.get("cost")),
}
