"""Langfuse's data sets and their items. An item that is not archived is a case of Rowen's, too."""

import hashlib
from typing import Any

from rowen.api.langfuse.base import Asked, Body, paged, when
from rowen.store.base import Record
from rowen.store.shelf import Shelf
from rowen.trace.intake.langfuse import span_id, trace_id
from rowen.values import Case, Mistaken, Value, new_id

_ITEMS = 100_000


class Dataset(Value, frozen=True, kw_only=True):
    """A data set, as it was sent."""

    name: str
    tenant: str
    description: str = ""
    metadata: Any = None
    input_schema: Any = None
    expected_schema: Any = None
    created_ns: int = 0
    changed_ns: int = 0

    @property
    def id(self) -> str:
        """Always the same for a name, so that two that make it at once make one."""
        return hashlib.sha256(f"{self.tenant}\x1f{self.name}".encode()).hexdigest()[:32]


class Item(Value, frozen=True, kw_only=True):
    """One item of a data set."""

    id: str
    tenant: str
    dataset: str
    input: Any = None
    expected: Any = None
    metadata: Any = None
    trace: str = ""
    span: str = ""
    status: str = "ACTIVE"
    created_ns: int = 0
    changed_ns: int = 0


class DatasetBody(Body):
    """A data set that is sent."""

    name: str
    description: str | None = None
    metadata: Any = None
    input_schema: Any = None
    expected_output_schema: Any = None


class ItemBody(Body):
    """An item that is sent. What it leaves out of one that is there stays."""

    dataset_name: str
    id: str | None = None
    input: Any = None
    expected_output: Any = None
    metadata: Any = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    status: str | None = None


def sets(asked: Asked) -> Shelf[Dataset]:
    """Return where data sets stand."""
    return Shelf(
        asked.langfuse.records,
        "langfuse_dataset",
        Dataset,
        lambda each: Record(kind="", id=each.name, tenant=each.tenant, at_ns=each.created_ns),
    )


def items(asked: Asked) -> Shelf[Item]:
    """Return where items stand."""
    return Shelf(
        asked.langfuse.records,
        "langfuse_dataset_item",
        Item,
        lambda each: Record(
            kind="", id=each.id, tenant=each.tenant, group=each.dataset, state=each.status, at_ns=each.created_ns
        ),
    )


async def create(asked: Asked) -> Any:
    """Keep a data set; one that is there gets the new description, metadata and schemas."""
    asked.may("manage")
    body: DatasetBody = asked.read(DatasetBody)
    if not body.name or len(body.name) > 200 or not body.name.isprintable():
        raise Mistaken("field_invalid", "a data set needs a name of 1 to 200 printable characters", place="name")
    now = asked.langfuse.clock.now_ns()
    before = await sets(asked).get(body.name, asked.tenant)
    made = Dataset(
        name=body.name,
        tenant=asked.tenant,
        description=body.description or "",
        metadata=body.metadata,
        input_schema=body.input_schema,
        expected_schema=body.expected_output_schema,
        created_ns=before.created_ns if before else now,
        changed_ns=now,
    )
    await sets(asked).put(made)
    return shown(made)


async def get(asked: Asked) -> Any:
    """One data set by name."""
    asked.may("call", "read")
    return shown(await _known(asked, asked.place[0]))


async def find(asked: Asked) -> Any:
    """All data sets, newest first."""
    asked.may("call", "read")
    found = await sets(asked).find(tenant=asked.tenant, limit=10_000)
    return paged([shown(each) for each in found], asked.number("page", 1), asked.number("limit", 50, 1000))


async def put_item(asked: Asked) -> Any:
    """Keep an item; under an id that is there it replaces what it names."""
    asked.may("manage")
    body: ItemBody = asked.read(ItemBody)
    dataset = await _known(asked, body.dataset_name)
    now = asked.langfuse.clock.now_ns()
    before = await items(asked).get(body.id, asked.tenant) if body.id else None
    if before is not None and before.dataset != dataset.name:
        raise Mistaken("conflict", "an item of that id is in another data set", place="id")
    item = before or Item(id=body.id or new_id(now), tenant=asked.tenant, dataset=dataset.name, created_ns=now)
    made = item.but(
        input=body.input if body.input is not None else item.input,
        expected=body.expected_output if body.expected_output is not None else item.expected,
        metadata=body.metadata if body.metadata is not None else item.metadata,
        trace=body.source_trace_id or item.trace,
        span=body.source_observation_id or item.span,
        status=body.status or item.status,
        changed_ns=now,
    )
    if made.status not in {"ACTIVE", "ARCHIVED"}:
        raise Mistaken("field_invalid", "a status is ACTIVE or ARCHIVED", place="status")
    await items(asked).put(made)
    if made.status == "ACTIVE":
        await asked.langfuse.cases.put(_case(made))
    else:
        await asked.langfuse.cases.delete(_case(made).id, asked.tenant)
    return shown_item(made, dataset)


async def get_item(asked: Asked) -> Any:
    """One item by id."""
    asked.may("call", "read")
    item = await _item(asked)
    return shown_item(item, await _known(asked, item.dataset))


async def find_items(asked: Asked) -> Any:
    """Items, newest first: of one data set, or of all."""
    asked.may("call", "read")
    name = asked.query.get("datasetName", "")
    known = {name: await _known(asked, name)} if name else {}
    if not name:
        known = {each.name: each for each in await sets(asked).find(tenant=asked.tenant, limit=10_000)}
    trace = asked.query.get("sourceTraceId", "")
    found = [
        shown_item(item, known[item.dataset])
        for item in await items(asked).find(tenant=asked.tenant, group=name, limit=_ITEMS)
        if item.dataset in known and trace in {"", item.trace}
    ]
    return paged(found, asked.number("page", 1), asked.number("limit", 50, 1000))


async def remove_item(asked: Asked) -> Any:
    """Remove an item."""
    asked.may("manage")
    item = await _item(asked)
    await items(asked).delete(item.id, asked.tenant)
    await asked.langfuse.cases.delete(_case(item).id, asked.tenant)
    return {"message": "Dataset item successfully deleted"}


def _case(item: Item) -> Case:
    """Return an item as a case, under an id that no other case has."""
    about = item.metadata
    return Case(
        id=f"langfuse:{item.id}",
        tenant=item.tenant,
        dataset=item.dataset,
        input=item.input,
        expected=item.expected,
        metadata=about if isinstance(about, dict) else {"value": about} if about is not None else {},
        trace=trace_id(item.trace) if item.trace else "",
        span=span_id(item.span) if item.span else "",
        by="langfuse",
        created_ns=item.created_ns,
    )


async def _known(asked: Asked, name: str) -> Dataset:
    found = await sets(asked).get(name, asked.tenant)
    if found is None:
        raise Mistaken("not_found", f"there is no data set {name[:100]!r}", place="datasetName")
    return found


async def _item(asked: Asked) -> Item:
    found = await items(asked).get(asked.place[0], asked.tenant)
    if found is None:
        raise Mistaken("not_found", "there is no such item", place="id")
    return found


def shown(dataset: Dataset) -> dict[str, Any]:
    """Return a data set as Langfuse shows it."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "description": dataset.description or None,
        "metadata": dataset.metadata,
        "inputSchema": dataset.input_schema,
        "expectedOutputSchema": dataset.expected_schema,
        "projectId": dataset.tenant,
        "createdAt": when(dataset.created_ns),
        "updatedAt": when(dataset.changed_ns),
    }


def shown_item(item: Item, dataset: Dataset) -> dict[str, Any]:
    """Return an item as Langfuse shows it."""
    return {
        "id": item.id,
        "status": item.status,
        "input": item.input,
        "expectedOutput": item.expected,
        "metadata": item.metadata,
        "sourceTraceId": item.trace or None,
        "sourceObservationId": item.span or None,
        "datasetId": dataset.id,
        "datasetName": dataset.name,
        "createdAt": when(item.created_ns),
        "updatedAt": when(item.changed_ns),
        "mediaReferences": [],
    }
