"""Data sets: what is said of them, their cases, their versions, and splits of them."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from msgspec import Meta, field

from rowen.api.manage.alerts import home
from rowen.api.manage.base import Asked, Limited, NoParams, Page, Plain, Verb, Verbs
from rowen.evaluate.composition import Composition, composition
from rowen.evaluate.dataset import Added, Changes, Dataset, Datasets, Version
from rowen.evaluate.files.rows import mark_of
from rowen.evaluate.split import EVERY, By, Split, split
from rowen.values import Case, Mistaken, Settings, Value

Prose = Annotated[str, Meta(max_length=20_000, pattern=r"^[^\u0000]*$")]
Label = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_.-]+$")]
CaseId = Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_.:-]*$")]


class DatasetParams(Settings, frozen=True, kw_only=True):
    """Which data sets."""

    tenant: Plain = ""
    app: Plain = ""


class NewDataset(Settings, frozen=True, kw_only=True):
    """What a data set is, who answers for it, and until when."""

    app: Plain = ""
    about: Prose = ""
    owner: Plain = ""
    review: date | None = None
    """When somebody shall look through it again."""
    expires: date | None = None
    """From when on nothing shall be decided by it."""


class NewRow(Settings, frozen=True, kw_only=True):
    """One case that is brought."""

    input: Annotated[str, Meta(min_length=1)] | Annotated[list[Any], Meta(min_length=1)] | dict[str, Any]
    """What is asked: a text, messages, or anything that a program sends."""
    id: CaseId = ""
    """Default: one made of what is asked and expected, so that the same case brought twice is one."""
    output: Any = None
    expected: Any = None
    metadata: dict[str, Any] = {}
    user: Plain = ""
    session: Plain = ""
    document: Plain = ""


class NewCases(Settings, frozen=True, kw_only=True):
    """Cases that are brought, all or none of them."""

    cases: Annotated[tuple[NewRow, ...], Meta(min_length=1, max_length=500)]
    synthetic: bool = False
    """Whether something made them up."""


class NewVersion(Settings, frozen=True, kw_only=True):
    """Why the cases shall be kept as they are."""

    note: Prose = ""


class VersionParams(Settings, frozen=True, kw_only=True):
    """Which version, by the beginning of its hash; without one, the cases as they are now."""

    version: Plain = ""


class ChangesParams(Settings, frozen=True, kw_only=True):
    """Which two versions; without a later one, the cases as they are now."""

    earlier: Annotated[str, Meta(min_length=4, max_length=64, pattern="^[0-9a-f]+$")]
    later: Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]*$")] = ""


class CasesParams(Settings, frozen=True, kw_only=True):
    """Which cases of which version; `before` is the `next` of the page before."""

    version: Plain = ""
    before: Plain = ""
    limit: Limited = 100


class NewSplit(Settings, frozen=True, kw_only=True):
    """How cases shall be dealt."""

    parts: Annotated[dict[Label, Annotated[float, Meta(gt=0, le=1_000_000)]], Meta(min_length=2, max_length=20)] = (
        field(default_factory=lambda: {"train": 0.8, "test": 0.2})
    )
    """The parts with their shares; the first is to train on."""
    by: Annotated[tuple[By, ...], Meta(max_length=4)] = EVERY
    alike: Annotated[float, Meta(ge=0.5, le=1)] = 0.8
    seed: Plain = ""
    version: Plain = ""
    before: dict[Label, tuple[str, ...]] = {}
    """The parts of an earlier split: what can stays where it was."""


class DatasetOpen(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A data set with what it is made of."""

    dataset: Dataset
    age: str
    """`fresh`, `due` to be looked through, or `expired`."""
    made_of: Composition


async def list_datasets(asked: Asked[DatasetParams, None]) -> Page[Dataset]:
    """The data sets by name."""
    params = asked.params
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = [each for app in apps for each in await _sets(asked).all(asked.tenant(params.tenant), app=app)]
    return Page(items=sorted(found, key=lambda each: (each.tenant, each.name)))


async def put_dataset(asked: Asked[NoParams, NewDataset]) -> Dataset:
    """The data set as it is now."""
    body, name = asked.body, _name(asked)
    app = asked.app(body.app)
    tenant = home(asked)
    try:
        before = await _sets(asked).get(name, tenant)
    except Mistaken:
        before = Dataset(name=name, tenant=tenant, app=app)
    _may(asked, before)
    await _note(asked, "dataset.put", name)
    return await _sets(asked).put(
        before.but(app=app, about=body.about, owner=body.owner, review=body.review, expires=body.expires)
    )


async def get_dataset(asked: Asked[VersionParams, None]) -> DatasetOpen:
    """What is said of a data set, and what it is made of."""
    dataset = await _known(asked)
    today = _sets(asked).today()
    cases = await _cases(asked, dataset, asked.params.version)
    return DatasetOpen(dataset=dataset, age=dataset.age(today), made_of=composition(dataset, cases, today))


async def delete_dataset(asked: Asked[NoParams, None]) -> Dataset:
    """The data set that is no more."""
    dataset = await _known(asked)
    await _note(asked, "dataset.delete", dataset.name)
    await _sets(asked).delete(dataset.name, dataset.tenant)
    return dataset


async def add_cases(asked: Asked[NoParams, NewCases]) -> Added:
    """What became of them. A data set that nobody spoke of begins with them."""
    name, tenant, body = _name(asked), home(asked), asked.body
    try:
        dataset = await _sets(asked).get(name, tenant)
    except Mistaken:
        dataset = await _sets(asked).put(Dataset(name=name, tenant=tenant, app=asked.app("")))
    _may(asked, dataset)
    by = asked.entry.person
    cases = [_case(row, dataset, by=by, synthetic=body.synthetic) for row in body.cases]
    await _note(asked, "dataset.cases", name)
    return await _sets(asked).add(cases)


async def dataset_cases(asked: Asked[CasesParams, None]) -> Page[Case]:
    """The cases of a data set, oldest first."""
    params = asked.params
    found = await _cases(asked, await _known(asked), params.version)
    start = next((number for number, case in enumerate(found, 1) if case.id == params.before), 0)
    shown = found[start : start + params.limit]
    return Page(items=shown, next=shown[-1].id if len(found) > start + params.limit else "")


async def list_versions(asked: Asked[NoParams, None]) -> Page[Version]:
    """The versions of a data set, newest first."""
    dataset = await _known(asked)
    return Page(items=await _sets(asked).versions(dataset.name, dataset.tenant))


async def freeze_dataset(asked: Asked[NoParams, NewVersion]) -> Version:
    """The version; the one that is there already where no case has changed."""
    dataset = await _known(asked)
    await _note(asked, "dataset.freeze", dataset.name)
    by = asked.entry.person
    return await _sets(asked).freeze(dataset.name, dataset.tenant, note=asked.body.note, by=by)


async def dataset_changes(asked: Asked[ChangesParams, None]) -> Changes:
    """The ids of the cases that were added, removed and changed."""
    dataset, params = await _known(asked), asked.params
    return await _sets(asked).changes(dataset.name, dataset.tenant, params.earlier, params.later)


async def split_dataset(asked: Asked[NoParams, NewSplit]) -> Split:
    """The ids of the cases of each part. Nothing is kept: the same asked again is the same."""
    body = asked.body
    cases = await _cases(asked, await _known(asked), body.version)
    return split(cases, body.parts, by=body.by, alike=body.alike, seed=body.seed, before=body.before)


def _sets(asked: Asked[Any, Any]) -> Datasets:
    return asked.manage.datasets


def _name(asked: Asked[Any, Any]) -> str:
    """Return the name of the path.

    Raises:
        Mistaken: `field_invalid` for one that no data set can have.

    """
    name = asked.path["name"]
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or len(name) > 100 or not name.isascii():
        raise Mistaken("field_invalid", "a data set's name has letters, digits, - _ and . alone", place="name")
    return name


def _may(asked: Asked[Any, Any], dataset: Dataset) -> None:
    if not asked.entry.sees(dataset.app):
        raise Mistaken("not_found", f"there is no data set {dataset.name!r}", place="name")


async def _known(asked: Asked[Any, Any]) -> Dataset:
    dataset = await _sets(asked).get(asked.path["name"], home(asked))
    _may(asked, dataset)
    return dataset


async def _cases(asked: Asked[Any, Any], dataset: Dataset, version: str) -> Sequence[Case]:
    """Return the cases; for a key that is limited to some apps, those of these."""
    found = await _sets(asked).cases(dataset.name, dataset.tenant, version)
    allowed = asked.entry.apps
    return [case for case in found if not allowed or case.app in allowed]


def _case(row: NewRow, dataset: Dataset, *, by: str, synthetic: bool) -> Case:
    id = row.id or mark_of(row.input, row.expected)
    return Case(
        id=id if id.startswith(f"{dataset.name}:") else f"{dataset.name}:{id}",
        tenant=dataset.tenant,
        app=dataset.app,
        dataset=dataset.name,
        input=row.input,
        output=row.output,
        expected=row.expected,
        metadata=dict(row.metadata),
        by=by,
        source="generator" if synthetic else "file",
        user=row.user,
        session=row.session,
        document=row.document,
    )


async def _note(asked: Asked[Any, Any], act: str, name: str) -> None:
    await asked.manage.register.recorder.note(asked.actor, act, tenant=home(asked), target=name)


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/datasets",
        name="list_datasets",
        summary="Data sets by name, also those that are no more than their cases.",
        scope="read",
        run=list_datasets,
        gives=Dataset,
        many=True,
        params=DatasetParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/datasets/{name}",
        name="put_dataset",
        summary="Say what a data set is, who answers for it, and until when.",
        scope="manage",
        run=put_dataset,
        gives=Dataset,
        params=NoParams,
        body=NewDataset,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/datasets/{name}",
        name="get_dataset",
        summary="A data set with what it is made of, and what is to be said against it.",
        scope="read",
        run=get_dataset,
        gives=DatasetOpen,
        params=VersionParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="DELETE",
        path="/api/datasets/{name}",
        name="delete_dataset",
        summary="Remove a data set with its cases and all its versions.",
        scope="manage",
        run=delete_dataset,
        gives=Dataset,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/datasets/{name}/cases",
        name="dataset_cases",
        summary="The cases of a data set or of one of its versions, oldest first.",
        scope="read",
        run=dataset_cases,
        gives=Case,
        many=True,
        params=CasesParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/datasets/{name}/cases",
        name="add_cases",
        summary="Bring cases, up to 500 at once. Under an id that is there, one takes the other's place.",
        scope="manage",
        run=add_cases,
        gives=Added,
        params=NoParams,
        body=NewCases,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/datasets/{name}/versions",
        name="list_versions",
        summary="The versions of a data set, newest first.",
        scope="read",
        run=list_versions,
        gives=Version,
        many=True,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/datasets/{name}/versions",
        name="freeze_dataset",
        summary="Keep the cases as they are now as a version, named by their content.",
        scope="manage",
        run=freeze_dataset,
        gives=Version,
        params=NoParams,
        body=NewVersion,
        status=201,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/datasets/{name}/changes",
        name="dataset_changes",
        summary="How two versions differ, or one and now.",
        scope="read",
        run=dataset_changes,
        gives=Changes,
        params=ChangesParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/datasets/{name}/split",
        name="split_dataset",
        summary="Deal cases into parts so that nothing which belongs together is in two of them.",
        scope="read",
        run=split_dataset,
        gives=Split,
        params=NoParams,
        body=NewSplit,
        errors=("not_found", "conflict"),
    ),
)
