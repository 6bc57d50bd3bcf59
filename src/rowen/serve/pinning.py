"""Which indexes versions need: those of what is live, what rolls out, what a rollback goes back to, and what bears a label."""

from rowen.flow.indexes import indexes_of, manifests_of
from rowen.release import Releases
from rowen.retrieve.pick import Pin
from rowen.serve.tables import stored
from rowen.store.base import Store
from rowen.store.knowledge import Collection
from rowen.values import Index, Mistaken


class Pinning:
    """Tells which index each version answers from, and who needs an index.

    Args:
        store: where Definitions and indexes are.
        releases: says what is live, and was.

    """

    def __init__(self, store: Store, releases: Releases) -> None:
        self._store = store
        self._releases = releases

    async def indexes(self, definition: str) -> tuple[Index, ...]:
        """Return the indexes that a Definition answers from now; none of one that is not kept, or cannot be read here."""
        found = await self._store.definitions.get(definition)
        if found is None or "retrieve" not in found.source:
            return ()
        try:
            return await indexes_of(stored(found), self._store.knowledge)
        except Mistaken:
            return ()

    async def pins(self, collection: Collection) -> list[Pin]:
        """Return what versions of an app need of one of its collections."""
        found = []
        for hash, why in (await self._wanted(collection.app)).items():
            definition = await self._store.definitions.get(hash)
            if definition is None:
                continue  # it cannot be let out again either
            try:
                made = manifests_of(stored(definition))
            except Mistaken:
                found.append(Pin(None, why))
                continue
            if collection.name in made:
                found.append(Pin(made[collection.name], why))
        return found

    async def _wanted(self, app: str) -> dict[str, str]:
        """Return the Definitions that may answer without being let out anew, each with what it is to people."""
        roles: dict[str, list[str]] = {}
        for live in await self._releases.lives(app):
            roles.setdefault(live.definition, []).append(f"live in {live.environment}")
            for rollout in live.rollouts:
                for arm in rollout.arms:
                    roles.setdefault(arm.definition, []).append(f"{arm.name} of a {rollout.strategy}")
            roles.setdefault(live.before, []).append(f"where a rollback in {live.environment} goes")
        versions = {each.definition: each for each in await self._releases.versions(app)}
        for each in versions.values():
            if each.labels:
                roles.setdefault(each.definition, []).append(f"labelled {', '.join(each.labels)}")
        return {
            hash: f"version {versions[hash] if hash in versions else hash[:12]}, {' and '.join(dict.fromkeys(said))}"
            for hash, said in roles.items()
            if hash
        }
