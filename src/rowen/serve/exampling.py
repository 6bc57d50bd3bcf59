"""Cases that a prompt may show as examples: those of its files or of a version of a data set, but none that the app is tried on."""

import asyncio
from collections.abc import Sequence
from functools import partial

from rowen.config import Loaded
from rowen.evaluate.dataset import Datasets, asked
from rowen.evaluate.files import read
from rowen.evaluate.files.rows import cases_of, lines_of
from rowen.evaluate.near import near
from rowen.prompt.base import ExamplesTable
from rowen.prompt.registry import TENANT
from rowen.values import Case, Mistaken

_HELD_OUT = {"test", "held-out", "held_out", "holdout", "validation", "valid", "dev", "eval"}
"""Values of a case's `split` with which it is not shown."""
_ALIKE = 0.8


class Examples:
    """Gives the cases of an app's `[prompt.examples]`."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    async def __call__(self, loaded: Loaded, table: ExamplesTable) -> Sequence[Case]:
        """Return the cases that may be shown.

        Left out are those whose metadata calls them held out, those of every `[evaluate.NAME]` of the app, and near
        copies of these.

        Raises:
            Mistaken: a file or a data set cannot be read.

        """
        found = from_files(loaded, table)
        if table.dataset:
            found += await self._of(table.dataset)
        held_out = [case for case in found if _split(case) in _HELD_OUT]
        for name, suite in loaded.tables.get("evaluate", {}).items():
            try:
                if suite.cases.startswith("dataset:"):
                    held_out += await self._of(suite.cases.removeprefix("dataset:"))
                else:
                    held_out += await asyncio.to_thread(read, loaded.path.parent / suite.cases, suite.shape)
            except Mistaken as problem:
                message = f"the cases of [evaluate.{name}] must be known, so that none is shown: {problem.message}"
                place = loaded.place("prompt", "examples")
                raise Mistaken(problem.code, message, place=place) from problem
        return await asyncio.to_thread(partial(apart, found, held_out))

    async def _of(self, named: str) -> list[Case]:
        name, _, version = named.partition("@")
        return await self._datasets.cases(name, TENANT, version)


def vet_examples(loaded: Loaded) -> None:
    """See that what an app's examples name can be read, data sets aside.

    Raises:
        Mistaken: with the line at fault.

    """
    if table := loaded.tables["prompt"].examples:
        from_files(loaded, table)


def from_files(loaded: Loaded, table: ExamplesTable) -> list[Case]:
    """Return the cases of the files, which are part of the Definition.

    Raises:
        Mistaken: with the line at fault.

    """
    files = table.files.files if table.files else ()
    if not files and not table.dataset:
        place = loaded.place("prompt", "examples")
        raise Mistaken("config_invalid", "examples need `files` or a `dataset`", place=place)
    if table.dataset and "@" not in table.dataset:
        message = "name a version, as `NAME@8a0c31`: what an app says is to be the same for ever under its hash"
        raise Mistaken("config_invalid", message, place=loaded.place("prompt", "examples", "dataset"))
    return [case for each in files for case in cases_of(lines_of(each.text, each.path), {})]


def apart(cases: Sequence[Case], held_out: Sequence[Case]) -> list[Case]:
    """Return the cases that are not held out, and not near copies of one that is."""
    if not held_out:
        return list(cases)
    ids = {case.id for case in held_out}
    alike = near([asked(case.input) for case in (*held_out, *cases)], alike=_ALIKE)
    first = len(held_out)
    return [
        case
        for place, case in enumerate(cases)
        if case.id not in ids and alike[first + place] >= first and _split(case) not in _HELD_OUT
    ]


def _split(case: Case) -> str:
    return str(case.metadata.get("split", "")).lower()
