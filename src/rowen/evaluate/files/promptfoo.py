"""promptfoo: a configuration with tests, or a file of tests (https://www.promptfoo.dev/docs/configuration/test-cases).

A test is variables for a prompt, and assertions about the answer. The question is the variable that is there, the one
with a usual name, or the only prompt with the variables put in; the first assertion that an answer *equals* something says
what is expected. Assertions and variables are all kept in the metadata, and are written out again.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from rowen.evaluate.files.rows import NAMES, Row, json_of, lines_of, mark_of, table_of, text_of
from rowen.values import Case, Mistaken

_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SHORT = re.compile(r"(?s)((?:not-)?[a-z]+(?:-[a-z]+)*)(?:\(([\d.]+)\))?:\s*(.*)")
_KINDS = frozenset(
    [
        "contains",
        "contains-all",
        "contains-any",
        "contains-json",
        "cost",
        "equals",
        "factuality",
        "icontains",
        "is-json",
        "javascript",
        "latency",
        "levenshtein",
        "llm-rubric",
        "model-graded-closedqa",
        "python",
        "regex",
        "rouge-n",
        "similar",
        "starts-with",
    ]
)
_VALUES, _DEPTH = 1_000_000, 100
_MOST = 1000  # tests that the lists among one test's variables may become


def is_promptfoo(data: Any) -> bool:
    """Whether it is a configuration or a list of tests of theirs."""
    if isinstance(data, dict):
        return "tests" in data and ("prompts" in data or "providers" in data)
    return isinstance(data, list) and bool(data) and all(isinstance(each, dict) and "vars" in each for each in data)


def read_promptfoo(path: Path) -> list[Case]:
    """Return the tests of a configuration, or of a file of tests, as cases.

    Raises:
        Mistaken: `field_invalid` for what is none of theirs or made by a program; others for a file that cannot be read.

    """
    data = _data(path)
    if isinstance(data, dict) and "tests" in data:
        prompts = data.get("prompts")
        default = data.get("defaultTest")
        tests = [*_tests(data["tests"], path)]
    else:
        prompts, default, tests = None, None, [*_tests(data, path)]
    prompt = prompts[0] if isinstance(prompts, list) and len(prompts) == 1 and isinstance(prompts[0], str) else ""
    if prompt.startswith("file://"):
        prompt = ""
    base = default if isinstance(default, dict) else {}
    found: dict[str, Case] = {}
    for place, test in tests:
        for case in _cases(test, base, prompt, place):
            found.setdefault(case.id, case)
    return list(found.values())


def promptfoo_test(case: Case) -> Row:
    """Return a case as a test of theirs; what was read from them as it was."""
    metadata = {name: value for name, value in case.metadata.items() if name not in {"vars", "assert", "description"}}
    variables = case.metadata.get("vars")
    asserted = case.metadata.get("assert")
    if not isinstance(asserted, list):
        asserted = [{"type": "equals", "value": case.expected}] if case.expected is not None else []
    return {
        "description": str(case.metadata.get("description") or case.id),
        "vars": variables if isinstance(variables, dict) else {"input": case.input},
        **({"assert": asserted} if asserted else {}),
        **({"metadata": metadata} if metadata else {}),
    }


def _cases(test: Mapping[str, Any], base: Mapping[str, Any], prompt: str, place: str) -> Iterator[Case]:
    variables = test.get("vars", {})
    if not isinstance(variables, dict):
        raise Mistaken("field_invalid", "the variables of a test are names with values", place=place)
    given = base.get("vars", {})
    variables = {**(given if isinstance(given, dict) else {}), **variables}
    asserted = [*_list(base.get("assert")), *_list(test.get("assert"))]
    said = test.get("metadata", {})
    for each in _spread(variables, place):
        expected = next(
            (
                one["value"]
                for one in asserted
                if isinstance(one, dict) and one.get("type") == "equals" and "value" in one
            ),
            None,
        )
        metadata: Row = {**(said if isinstance(said, dict) else {}), "vars": each}
        if asserted:
            metadata["assert"] = asserted
        if description := test.get("description"):
            metadata["description"] = description
        yield Case(
            id=mark_of(each, asserted),
            input=_question(each, prompt),
            expected=_filled(expected, each) if isinstance(expected, str) else expected,
            metadata=metadata,
        )


def _spread(variables: Row, place: str) -> Iterator[Row]:
    """Give one set of variables for each combination of those that are lists, as they do."""
    lists = {name: value for name, value in variables.items() if isinstance(value, list)}
    many = 1
    for value in lists.values():
        many *= len(value)
    if many > _MOST:
        raise Mistaken("field_invalid", f"the lists among the variables would become {many:,} tests", place=place)
    for chosen in itertools.product(*lists.values()):
        yield {**variables, **dict(zip(lists, chosen, strict=True))}


def _question(variables: Row, prompt: str) -> Any:
    if prompt and _SLOT.search(prompt):
        return _filled(prompt, variables)
    if len(variables) == 1:
        return next(iter(variables.values()))
    return next((variables[name] for name in NAMES["input"] if name in variables), variables)


def _filled(text: str, variables: Row) -> str:
    return _SLOT.sub(lambda found: str(variables.get(found[1], found[0])), text)


def _tests(data: Any, path: Path) -> Iterator[tuple[str, Row]]:
    if isinstance(data, str):
        if not data.startswith("file://") or data.endswith((".js", ".ts", ".mjs", ".py")) or ".py:" in data:
            raise Mistaken(
                "field_invalid", f"the tests {data[:100]!r} are made by a program or lie elsewhere", place=path.name
            )
        yield from _tests(_data(_beside(path, data)), path)
        return
    if not isinstance(data, list):
        raise Mistaken("field_invalid", "there is no list of tests", place=path.name)
    for number, each in enumerate(data, 1):
        if isinstance(each, str):
            yield from _tests(each, path)
        elif isinstance(each, dict):
            yield f"{path.name}, test {number}", each
        else:
            raise Mistaken("field_invalid", "a test is a table", place=f"{path.name}, test {number}")


def _beside(path: Path, address: str) -> Path:
    """Return a file that is named in another, which must lie in the same folder or below it."""
    folder = path.parent.resolve()
    found = (folder / address.removeprefix("file://")).resolve()
    if not found.is_relative_to(folder):
        raise Mistaken(
            "field_invalid", f"{address[:100]!r} does not lie beside the file that names it", place=path.name
        )
    return found


def _data(path: Path) -> Any:
    text = text_of(path)
    match path.suffix.lower():
        case ".yaml" | ".yml":
            return _yaml(text, path.name)
        case ".jsonl" | ".ndjson":
            return [row for _, row in lines_of(text, path.name)]
        case ".csv":
            return [_of_columns(row) for _, row in table_of(text, path.name)]
        case _:
            return json_of(text, path.name)


def _yaml(text: str, name: str) -> Any:
    try:
        yaml = import_module("yaml")
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", "reading YAML needs `pip install rowen[eval]`", place=name) from error
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Mistaken("field_invalid", f"no YAML: {' '.join(str(error).split())[:200]}", place=name) from error
    _bounded(found, name)
    return found


def _bounded(value: Any, name: str) -> None:
    """Refuse what a few anchors can become: a structure without end, or of millions of values."""
    left, waiting = _VALUES, [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > _DEPTH:
            raise Mistaken("field_invalid", "the file's anchors stand for more than can be read", place=name)
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        waiting.extend((one, depth + 1) for one in inner)


def _of_columns(row: Row) -> Row:
    """Return a test from a row: columns that begin with two underscores are theirs, the others are variables."""
    asserted = [_asserted(value) for name, value in row.items() if re.fullmatch(r"__expected\d*", name) and value]
    metadata = {
        name.removeprefix("__metadata:"): value for name, value in row.items() if name.startswith("__metadata:")
    }
    return {
        "vars": {name: value for name, value in row.items() if not name.startswith("__")},
        "assert": asserted,
        "metadata": metadata,
        "description": row.get("__description", ""),
    }


def _asserted(text: str) -> Row:
    """Return an assertion from its short form, such as `contains: hay`; without a kind it is what an answer equals."""
    found = _SHORT.fullmatch(text)
    if found is None or found[1].removeprefix("not-") not in _KINDS:
        return {"type": "equals", "value": text}
    return {"type": found[1], "value": found[3], **({"threshold": float(found[2])} if found[2] else {})}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
