"""Every proof that a page names exists."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROOF = re.compile(r"`((?:tests|src)/[\w/]+\.py)::([\w.]+)`")
PAGES = (ROOT / "docs/reference/requirements.md", ROOT / "docs/explanation/security.md")
IDS = (
    *(f"GW-{number:02}" for number in range(1, 23)),
    *(f"O-{number:02}" for number in range(1, 21)),
    *(f"FB-{number:02}" for number in range(1, 12)),
    *(f"K-{number:02}" for number in range(1, 13)),
    *(f"S-{number:02}" for number in range(1, 13)),
    *(
        f"S-{number}.{kind}"
        for number in (20, 21, 22, *range(30, 36), *range(40, 43), *range(50, 54))
        for kind in ("slo", "sla", "kpi")
    ),
    *("P-03", "P-04", "P-05", "P-09", "P-10", "P-11", "M-21", "M-23"),
    *("C-11", "C-12", "N-10", "N-11", "N-12", "N-13", "X-14"),
)
"""Every row of the groups that the gateway and the watch over what it answers must say something of."""


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, those in classes as `Class.test`; none where there is no file."""
    if not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {node.name for node in tree.body if isinstance(node, functions)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, functions)}
    return frozenset(name for name in found if name.rpartition(".")[2].startswith("test_"))


def proofs() -> list[tuple[str, str, str]]:
    return [(page.name, path, name) for page in PAGES for path, name in PROOF.findall(page.read_text(encoding="utf-8"))]


def test_every_named_test_exists():
    named = proofs()

    assert len(named) > 500
    missing = [f"{page} names {path}::{name}" for page, path, name in named if name not in names_in(path)]
    assert not missing, "\n".join(missing)


def test_every_requirement_of_this_stage_has_a_row_with_a_state_and_a_test_unless_it_comes_later():
    lines = PAGES[0].read_text(encoding="utf-8").splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line.count("|") > 3}
    states = {row: rows[row].split("|")[3].strip() if row in rows else "no row" for row in IDS}

    assert {row: state for row, state in states.items() if state not in {"holds", "partly", "later"}} == {}
    bare = [row for row, state in states.items() if state != "later" and not PROOF.search(rows[row])]
    assert not bare, f"{', '.join(bare)} hold without a test"
