"""The part of the demo that answers from documents: Rowen's own, in a copy that may be changed."""

import csv
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rowen.cli.examples import example
from rowen.values import Unavailable

QUESTION = "For how many hours does the old key go on after it was rotated?"
FIGURES = "What is the total size of the models?"
UNKNOWN = "Who won the world cup in 1998?"
_PAGE = Path("docs/how-to/keys.md")
_MOST = {"how-to": 8, "tutorial": 1}  # pages of a folder, the shortest: vectors of all take a laptop most of a minute
_HOURS = re.compile(r"goes on for (\d+) hours")
_LAG = 60.0  # seconds within which a changed page must be answered from

Ask = Callable[..., tuple[str, Any, list[Any]]]
"""Asks a model a question; gives what it said, the head, and the annotations."""


def prepared(folder: Path) -> Path:
    """Copy the example and the shorter documents it reads, so that one may be changed; return its `app.toml`."""
    source = example("02-handbook")
    place = folder / "handbook"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place / "examples" / source.name)
    for name, most in _MOST.items():
        pages = sorted((source.parents[1] / "docs" / name).glob("*.md"), key=lambda page: page.stat().st_size)
        (place / "docs" / name).mkdir(parents=True)
        for page in pages:
            if page in pages[:most] or page.name == _PAGE.name:
                shutil.copyfile(page, place / "docs" / name / page.name)
    return place / "examples" / source.name / "app.toml"


def indexed(got: Callable[[str], Any], progress: Callable[[str], None]) -> tuple[int, int]:
    """Wait until the documents can be searched; return how many there are, and how many chunks.

    Raises:
        Unavailable: with the code of a source that cannot be read, so that waiting would not help.

    """
    while True:
        found = got("/api/knowledge/handbook/docs")
        if found is not None:
            standing = found["data"]
            if standing["health"] == "well" and standing["documents"]:
                return standing["documents"], standing["chunks"]
            if standing["health"] == "ill":
                source = next(each for each in standing["sources"] if each.get("code"))
                raise Unavailable(source["code"], source["message"], place=source["source"])
            job = standing.get("job") or {}
            progress(f"{job.get('done', 0)} of {job.get('total', 0)} documents")
        time.sleep(0.2)


def cited(annotations: list[Any]) -> list[str]:
    """Return the pages and sections that an answer cites and that bear it out."""
    told = [each["url_citation"] for each in annotations if each.get("type") == "url_citation"]
    return [
        " › ".join((Path(each["url"]).name, *each["rowen"]["section"][1:]))
        for each in told
        if each["rowen"]["verified"]
    ]


def hours(app: Path) -> int:
    """Return what the page says."""
    found = _HOURS.search(_joined(app))
    return int(found[1]) if found else 0


def total(app: Path) -> int:
    """Return what the sizes in the example's table sum up to."""
    with (app.parent / "tables" / "models.csv").open(encoding="utf-8", newline="") as opened:
        return sum(int(row["Size (bytes)"]) for row in csv.DictReader(opened))


def queried(annotations: list[Any]) -> str:
    """Return the query that an answer's figures come from."""
    return next((said for each in annotations if (said := each["url_citation"]["rowen"].get("query"))), "")


def changed(app: Path) -> int:
    """Change what the page says; return what it says now."""
    page = app.parents[2] / _PAGE
    now = hours(app) + 12
    text = page.read_text(encoding="utf-8")
    page.write_text(_HOURS.sub(f"goes on for {now} hours", text), encoding="utf-8")
    return now


def until_told(ask: Ask, wanted: int) -> tuple[str, Any, list[Any], float]:
    """Ask until the answer has what the page says now; return the answer, and how many seconds it took."""
    started = time.perf_counter()
    while True:
        said, headers, annotations = ask("quote", QUESTION)
        took = time.perf_counter() - started
        if str(wanted) in said or took > _LAG:
            return said, headers, annotations, took
        time.sleep(0.5)


def _joined(app: Path) -> str:
    return (app.parents[2] / _PAGE).read_text(encoding="utf-8")
