"""Knowledge: what apps know, from where, how fresh it is, what was put aside, and which index answers."""

from typing import Any

from rowen.api.manage.base import Asked, Limited, NoParams, Page, Plain, Verb, Verbs
from rowen.jobs import Job
from rowen.retrieve.desk import Listing, Shown, Standing, Switched, Told
from rowen.retrieve.state import Quarantined
from rowen.retrieve.tables.sheets import Listed as Table
from rowen.retrieve.tables.sheets import Sheet
from rowen.store.knowledge import Build, Collection
from rowen.values import Mistaken, Reader, Settings


class DocumentParams(Settings, frozen=True, kw_only=True):
    """Which documents, and where the list goes on."""

    source: Plain = ""
    after: Plain = ""
    """The id of the last document of the page before."""
    limit: Limited = 50


class RelationParams(Settings, frozen=True, kw_only=True):
    """Of which thing."""

    of: Plain
    """Its name, as documents write it; case and punctuation do not matter."""
    limit: Limited = 50


class SyncWanted(Settings, frozen=True, kw_only=True):
    """How to bring it up to date."""

    removal: bool = False
    """Whether a source may lose most of its documents at once, this time."""


class DeleteParams(Settings, frozen=True, kw_only=True):
    """What holds for deleting an index."""

    force: bool = False
    """Whether it goes though versions need it, which answer from the live index then."""


async def list_knowledge(asked: Asked[NoParams, None]) -> Page[Standing]:
    """What the apps of the key know."""
    return Page(items=await asked.manage.knowledge.all(asked.tenant(""), asked.entry.apps))


async def get_knowledge(asked: Asked[NoParams, None]) -> Standing:
    """One of them."""
    return await asked.manage.knowledge.standing(_collection(asked))


async def list_documents(asked: Asked[DocumentParams, None]) -> Page[Listing]:
    """Documents that the caller may read."""
    params, collection = asked.params, _collection(asked)
    found = await asked.manage.knowledge.documents(
        collection, _reader(asked, collection), source=params.source, after=params.after, limit=params.limit
    )
    return Page(items=found, next=found[-1].id if len(found) == params.limit else "")


async def get_document(asked: Asked[NoParams, None]) -> Shown:
    """One document, with its chunks as places in its text."""
    collection = _collection(asked)
    return await asked.manage.knowledge.document(collection, asked.path["id"], _reader(asked, collection))


async def list_relations(asked: Asked[RelationParams, None]) -> Page[Told]:
    """What documents that the caller may read say of a thing; empty where no graph is made."""
    params, collection = asked.params, _collection(asked)
    reader = _reader(asked, collection)
    return Page(items=await asked.manage.knowledge.related(collection, params.of, reader, limit=params.limit))


async def list_tables(asked: Asked[NoParams, None]) -> Page[Table]:
    """Tables that questions about figures can be asked of, and that the caller may read."""
    collection = _collection(asked)
    return Page(items=await asked.manage.knowledge.tables(collection, _reader(asked, collection)))


async def get_table(asked: Asked[NoParams, None]) -> Sheet:
    """One table, with its first rows."""
    collection = _collection(asked)
    return await asked.manage.knowledge.table(collection, asked.path["table"], _reader(asked, collection))


async def list_quarantine(asked: Asked[NoParams, None]) -> Page[Quarantined]:
    """What was put aside, the last first, with the reasons."""
    return Page(items=await asked.manage.knowledge.quarantine(_collection(asked)))


async def sync_knowledge(asked: Asked[NoParams, SyncWanted]) -> Job:
    """Have its sources looked at now."""
    collection = _collection(asked)
    job = await asked.manage.knowledge.sync(collection, removal=asked.body.removal)
    await _noted(asked, "knowledge.sync", collection)
    return job


async def switch_build(asked: Asked[NoParams, None]) -> Switched:
    """The index, and the versions that it does not answer since their own is whole."""
    collection = _collection(asked)
    build = await asked.manage.knowledge.switch(collection, asked.path["build"])
    await _noted(asked, "knowledge.switch", collection)
    return build


async def delete_build(asked: Asked[DeleteParams, None]) -> Build:
    """The index as it was."""
    collection = _collection(asked)
    build = await asked.manage.knowledge.delete(collection, asked.path["build"], force=asked.params.force)
    await _noted(asked, "knowledge.delete", collection)
    return build


def _reader(asked: Asked[Any, Any], collection: Collection) -> Reader:
    """Return for whom documents are shown: an admin sees all, others what their key's groups may read."""
    actor = asked.actor
    if actor.everywhere:
        return Reader(tenant=collection.tenant, everything=True)
    return Reader(tenant=collection.tenant, groups=(*actor.groups, f"tenant:{actor.tenant}"))


def _collection(asked: Asked[Any, Any]) -> Collection:
    app, name = asked.path["app"], asked.path["name"]
    if asked.entry.sees(app):
        collection = asked.manage.knowledge.collection(app, name)
        if asked.actor.sees(collection.tenant):
            return collection
    raise Mistaken("not_found", f"there is no knowledge {app}/{name}", place="name")


async def _noted(asked: Asked[Any, Any], act: str, collection: Collection) -> None:
    await asked.manage.register.recorder.note(
        asked.actor, act, tenant=collection.tenant, target=f"{collection.app}/{collection.name}"
    )


_ONE = "/api/knowledge/{app}/{name}"

VERBS: Verbs = (
    Verb(
        method="GET", path="/api/knowledge", name="list_knowledge", scope="read", run=list_knowledge, gives=Standing,
        summary="What apps know: sources, freshness, indexes.", many=True, params=NoParams,
    ),
    Verb(
        method="GET", path=_ONE, name="get_knowledge", scope="read", run=get_knowledge, gives=Standing,
        summary="One `[retrieve.NAME]`: its sources, freshness, indexes.", params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/documents", name="list_knowledge_documents", scope="read", run=list_documents, gives=Listing,
        summary="Documents that the key may read.", many=True, params=DocumentParams, errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/documents/{{id}}", name="get_knowledge_document", scope="read", run=get_document, gives=Shown,
        summary="One document with its chunks, as places in its text.", params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/relations", name="list_relations", scope="read", run=list_relations, gives=Told,
        summary="What its documents say of a person or thing, where a graph is made.", many=True, params=RelationParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/tables", name="list_tables", scope="read", run=list_tables, gives=Table,
        summary="Tables that questions about figures can be asked of, with how each column was read.", many=True, params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/tables/{{table}}", name="get_table", scope="read", run=get_table, gives=Sheet,
        summary="One table with its first rows.", params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/quarantine", name="list_quarantine", scope="manage", run=list_quarantine, gives=Quarantined,
        summary="Documents that were put aside, with the reasons.", many=True, params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_ONE}/sync", name="sync_knowledge", scope="manage", run=sync_knowledge, gives=Job,
        summary="Look at its sources now; a job that can be watched.", params=NoParams, body=SyncWanted, errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_ONE}/builds/{{build}}/switch", name="switch_build", scope="manage", run=switch_build, gives=Switched,
        summary="Let another index answer versions without a whole one of their own, and name those who have one.", params=NoParams, errors=("not_found", "conflict"),
    ),
    Verb(
        method="DELETE", path=f"{_ONE}/builds/{{build}}", name="delete_build", scope="manage", run=delete_build, gives=Build,
        summary="Delete an index that does not answer, and that no version needs.", params=DeleteParams, errors=("not_found", "conflict"),
    ),
)  # fmt: skip
