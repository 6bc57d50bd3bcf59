"""Which indexes a version of an app answers from, now: told from what it says, without asking any embedder."""

from collections.abc import Mapping

from rowen.config import Loaded
from rowen.flow.deployments import placed
from rowen.flow.knowledge import Bundled, collection_of, embed_of, unasked
from rowen.retrieve.chunk import chunking
from rowen.retrieve.pick import picked
from rowen.retrieve.plan import written_manifest
from rowen.store.knowledge import Knowledge
from rowen.values import Index, Manifest


def manifests_of(loaded: Loaded) -> Mapping[str, Manifest]:
    """Return how a version makes its indexes, by the name of their `[retrieve.NAME]`; dimensions are not said.

    Raises:
        Mistaken: `config_*`, `extra_missing`, `model_unknown`.

    """
    places, bundled = placed(loaded.tables["models"]), Bundled()
    return {
        name: written_manifest(
            settings,
            chunking(settings.chunk),
            embed_of(settings.embed, places, unasked, bundled) if settings.embed else None,
        )
        for name, settings in loaded.tables["retrieve"].items()
    }


async def indexes_of(loaded: Loaded, knowledge: Knowledge) -> tuple[Index, ...]:
    """Return the index that a version answers from in each of its `[retrieve.NAME]`.

    Raises:
        Mistaken: as above. Unavailable: `store_unavailable`.

    """
    found: list[Index] = []
    for name, own in manifests_of(loaded).items():
        one = picked(await knowledge.builds(collection_of(loaded.definition.app, name)), own)
        found.append(
            Index(name=name)
            if one is None
            else Index(name=name, build=one.build.id, snapshot=one.build.snapshot, borrowed=one.borrowed)
        )
    return tuple(found)
