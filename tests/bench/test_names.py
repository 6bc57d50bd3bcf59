"""What measures Rowen and what makes its pictures is run seldom, so that what it takes from Rowen is looked up here."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = sorted([*(ROOT / "bench").rglob("*.py"), *(ROOT / "tools").glob("*.py")])


def taken(place: Path) -> set[tuple[str, str]]:
    tree = ast.parse(place.read_text(encoding="utf-8"))
    return {
        (node.module, each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "rowen"
        for each in node.names
    }


def is_there(module: str, name: str) -> bool:
    try:
        return hasattr(import_module(module), name) or bool(import_module(f"{module}.{name}"))
    except ModuleNotFoundError as error:
        return not str(error.name).startswith("rowen")  # of another package that is not installed here


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place.relative_to(ROOT)))
def test_what_a_bench_or_a_tool_takes_of_rowen_is_there(place):
    assert [each for each in taken(place) if not is_there(*each)] == []
