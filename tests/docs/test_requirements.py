"""Every proof that a page names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROOF = re.compile(r"`((?:tests|src)/[\w/]+\.py)::([\w.]+)`")
PAGES = (ROOT / "docs/reference/requirements.md", ROOT / "docs/explanation/security.md")
IDS = (
    *(f"GW-{number:02}" for number in range(1, 23)),
    *(f"FB-{number:02}" for number in range(1, 10)),
    *(f"S-{number:02}" for number in range(1, 13)),
    *("S-20.slo", "S-20.sla", "S-20.kpi", "S-21.slo", "S-21.sla", "S-21.kpi", "S-30.slo", "S-30.sla", "S-30.kpi"),
    *("S-31.slo", "S-32.slo", "S-32.kpi", "S-34.slo", "S-35.kpi", "S-41.slo"),
    *("P-03", "P-04", "P-05", "P-09", "P-10", "P-11", "O-11", "M-21", "M-23"),
    *("S-22.slo", "S-22.sla", "S-22.kpi"),
    *(
        "C-11",
        "C-12",
        "K-01",
        "K-02",
        "K-06",
        "K-11",
        "O-01",
        "O-03",
        "O-04",
        "O-07",
        "N-10",
        "N-11",
        "N-12",
        "N-13",
        "X-14",
    ),
)


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, those in classes as `Class.test`."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {node.name for node in tree.body if isinstance(node, functions)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, functions)}
    return frozenset(name for name in found if name.rpartition(".")[2].startswith("test_"))


def proofs() -> list[tuple[str, str, str]]:
    return [(page.name, path, name) for page in PAGES for path, name in PROOF.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "path", "name"), proofs())
def test_every_named_test_exists(page: str, path: str, name: str):
    assert (ROOT / path).is_file(), f"{page} names {path}"
    assert name in names_in(path), f"{page} names {path}::{name}"


@pytest.mark.parametrize("row", IDS)
def test_every_requirement_of_this_stage_has_a_row_with_a_state(row: str):
    line = next(line for line in PAGES[0].read_text(encoding="utf-8").splitlines() if line.startswith(f"| {row} |"))

    state = line.split("|")[3].strip()
    assert state in {"holds", "partly", "later"}
    assert PROOF.search(line) or state == "later", f"{row} holds without a test"
