"""Indexes of versions that answer nobody yet: made of what is known, so that what tries a version asks its own index."""

from rowen.flow.assemble import Assembled, Shared
from rowen.flow.indexes import indexes_of
from rowen.flow.knowledge import collection_of, embed_of
from rowen.retrieve.load import Ports
from rowen.retrieve.parse import Reading
from rowen.retrieve.plan import plan_of
from rowen.retrieve.state import States
from rowen.retrieve.sync import Sync
from rowen.serve.indexing import Known, asking
from rowen.store.base import Store
from rowen.values import Index


async def own_indexes(made: Assembled, store: Store, shared: Shared) -> tuple[Index, ...]:
    """Return the indexes that an app answers from; those are made that it would borrow from another version.

    No source is looked at: an index is made of the documents that are known. Where nothing is indexed at all, nothing is made.

    Raises:
        Problem: what the store, the embedder and the model that writes contexts raise.

    """
    if not made.loaded.tables["retrieve"]:
        return ()
    found = await indexes_of(made.loaded, store.knowledge)
    borrowed = [each.name for each in found if each.borrowed]
    for name in borrowed:
        await _make(made, name, store, shared)
    return await indexes_of(made.loaded, store.knowledge) if borrowed else found


async def _make(made: Assembled, name: str, store: Store, shared: Shared) -> None:
    loaded, ask = made.loaded, made.fleet.ask
    settings = loaded.tables["retrieve"][name]
    known = Known(collection_of(loaded.definition.app, name), settings, loaded)
    plan = await plan_of(
        known.collection,
        settings,
        Ports(folder=loaded.path.parent, clock=shared.clock),
        embed=embed_of(settings.embed, made.places, ask, shared.knowing.bundled) if settings.embed else None,
        ask=asking(known, lambda: made.app),
    )
    reading = Reading()
    try:
        await Sync(plan, store.knowledge, States(store.records), reading, shared.clock).beside()
    finally:
        await reading.close()
