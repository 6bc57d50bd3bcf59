"""Data sets: the list, and one with its versions and what it is made of; cases are added from a file."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.evaluate.composition import Composition, composition
from rowen.evaluate.dataset import Dataset, Version, asked
from rowen.evaluate.files import read
from rowen.values import Case, Mistaken
from rowen.web.forms import line, managed
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of

LARGEST = 20_000_000
"""Bytes of a file that is brought through the page."""
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One data set in the list."""

    dataset: Dataset
    cases: int
    versions: int
    age: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetList:
    """The data sets."""

    title: str
    rows: Sequence[Row] | None
    """None while they are counted for the first time."""
    may_change: bool
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneDataset:
    """One data set."""

    title: str
    dataset: Dataset
    age: str
    shown: str
    versions: Sequence[Version]
    made_of: Composition | None
    """None while it is worked out."""
    cases: Sequence[tuple[Case, str]]
    """With what each asks."""
    may_change: bool
    call: str


async def datasets(request: Request, services: Services, visit: Visit) -> Page:
    """The data sets by name."""
    tenant = tenant_of(visit)
    found = await services.kept.get(("data sets", tenant), lambda: _rows(services, tenant))
    rows = found.value
    if rows is not None and visit.entry.apps:
        rows = [row for row in rows if row.dataset.app in visit.entry.apps]
    return Page(
        template="datasets/list.html",
        context=DatasetList(
            title="Data sets",
            rows=rows,
            may_change=may_manage(visit),
            call=api_call(request, "/api/datasets"),
        ),
    )


async def dataset(request: Request, services: Services, visit: Visit) -> Page:
    """One data set as it is now, or one of its versions."""
    name, tenant = request.path_params["name"], _home(visit)
    sets = services.runs.desk.datasets
    found = await _known(services, visit, name)
    versions = await sets.versions(name, tenant)
    wanted = request.query_params.get("version", "")
    hash = (await sets.version(name, tenant, wanted)).hash if wanted else ""
    # What the cases are changes only with their number and times; a version never does.
    mark = hash or str(found.changed_ns)
    opened = await services.kept.get(("data set", tenant, name, mark), lambda: _opened(services, found, hash))
    made_of, cases = opened.value or (None, [])
    return Page(
        template="datasets/one.html",
        context=OneDataset(
            title=name,
            dataset=found,
            age=found.age(sets.today()),
            shown=hash,
            versions=versions,
            made_of=made_of,
            cases=[(case, asked(case.input)) for case in cases[:_SHOWN]],
            may_change=may_manage(visit),
            call=api_call(request, f"/api/datasets/{name}"),
        ),
    )


async def add(request: Request, services: Services, visit: Visit) -> Response:
    """Bring the cases of a file into a data set; a fault in it keeps all of them out."""
    form, actor = await managed(request, visit, services.address(request))
    name = line(form, "name", needed=True, most=100)
    if not name.isascii() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Mistaken("field_invalid", "a data set's name has letters, digits, - _ and . alone", place="name")
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Mistaken("field_invalid", "choose a file", place="file")
    if file.size is None or file.size > LARGEST:
        raise Mistaken(
            "body_too_large", f"the file has more than {LARGEST:,} bytes: use `rowen cases import`", place="file"
        )
    tenant = _home(visit)
    app = next(iter(visit.entry.apps), "")
    cases = await asyncio.to_thread(_read, Path(file.filename).suffix[:10], await file.read())
    sets = services.runs.desk.datasets
    await sets.add(
        [
            case.but(
                id=case.id if case.id.startswith(f"{name}:") else f"{name}:{case.id}",
                tenant=tenant,
                dataset=name,
                app=app or case.app,
                by=actor.key,
                source=case.source or "file",
            )
            for case in cases
        ]
    )
    await sets.put((await sets.get(name, tenant)).but(app=app))
    await services.register.recorder.note(actor, "dataset.cases", tenant=tenant, target=name)
    return RedirectResponse(f"/datasets/{name}", 303)


async def freeze(request: Request, services: Services, visit: Visit) -> Response:
    """Keep the cases as they are now as a version."""
    form, actor = await managed(request, visit, services.address(request))
    found = await _known(services, visit, request.path_params["name"])
    await services.runs.desk.datasets.freeze(found.name, found.tenant, note=line(form, "note"), by=actor.key)
    await services.register.recorder.note(actor, "dataset.freeze", tenant=found.tenant, target=found.name)
    return RedirectResponse(f"/datasets/{found.name}", 303)


async def _rows(services: Services, tenant: str | None) -> list[Row]:
    sets = services.runs.desk.datasets
    today = sets.today()
    return [
        Row(
            dataset=each,
            cases=len(await sets.now(each.name, each.tenant)),
            versions=len(await sets.versions(each.name, each.tenant)),
            age=each.age(today),
        )
        for each in await sets.all(tenant)
    ]


async def _opened(services: Services, found: Dataset, hash: str) -> tuple[Composition, list[Case]]:
    sets = services.runs.desk.datasets
    cases = await sets.cases(found.name, found.tenant, hash)
    return await asyncio.to_thread(composition, found, cases, sets.today()), cases


async def _known(services: Services, visit: Visit, name: str) -> Dataset:
    found = await services.runs.desk.datasets.get(name, _home(visit))
    if not visit.entry.sees(found.app):
        raise Mistaken("not_found", "There is no such data set.")
    return found


def _home(visit: Visit) -> str:
    return visit.entry.key.tenant


def _read(suffix: str, body: bytes) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"cases{suffix if suffix.isascii() else ''}"
        file.write_bytes(body)
        return read(file)
