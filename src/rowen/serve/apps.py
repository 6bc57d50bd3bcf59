"""The apps of one process: loaded from their files, reloaded when these change, swapped in one step."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

from rowen.config import Loaded, read
from rowen.flow import App
from rowen.flow.assemble import Assembled, Shared, assemble
from rowen.flow.deployments import placed
from rowen.flow.knowledge import embed_of
from rowen.prompt import written_of
from rowen.prompt.registry import PRODUCTION
from rowen.retrieve import RetrieveSettings
from rowen.route import Health
from rowen.score.rule import Rule
from rowen.serve.judging import rules_of
from rowen.serve.tables import TABLES
from rowen.store.base import Definitions
from rowen.trace import TraceSettings
from rowen.values import Deployment, Embed, Mistaken, Problem

log = logging.getLogger(__name__)


class Served:
    """The `Apps` that doors ask. Calls under way keep the app they began with."""

    def __init__(self, shared: Shared, definitions: Definitions) -> None:
        self._shared = shared
        self._definitions = definitions
        self._apps: dict[str, Assembled] = {}
        self._rules: dict[str, list[Rule]] = {}
        self._first = ""
        self._task: asyncio.Task[None] | None = None

    def named(self, name: str) -> App:
        """Return an app; the first one when `name` is empty.

        Raises:
            Mistaken: `app_unknown`.

        """
        found = self._apps.get(name or self._first)
        if found is None:
            near = get_close_matches(name, self._apps, n=1)
            hint = f' — did you mean "{near[0]}"?' if near else ""
            raise Mistaken("app_unknown", f'no app "{name}" is served here{hint}', place="x-rowen-app")
        return found.app

    def all(self) -> tuple[App, ...]:
        """Return all apps, the first one first."""
        return tuple(each.app for each in self._apps.values())

    def loaded(self) -> list[Loaded]:
        """Return every app as it was read."""
        return [each.loaded for each in self._apps.values()]

    def embed(self, loaded: Loaded, settings: RetrieveSettings) -> Embed | None:
        """Return what makes the vectors of one of an app's `[retrieve]` tables; None where there are none.

        Raises:
            Mistaken: `config_*`.

        """
        if not settings.embed:
            return None
        fleet = self._apps[loaded.definition.app].fleet
        return embed_of(settings.embed, placed(loaded.tables["models"]), fleet.ask, self._shared.knowing.bundled)

    def rules(self) -> list[Rule]:
        """Return the rules of all apps by which their traffic is judged."""
        return [rule for rules in self._rules.values() for rule in rules]

    def tracing(self, name: str) -> TraceSettings | None:
        """Return an app's `[trace]` table, None when no such app is served."""
        found = self._apps.get(name)
        return None if found is None else found.loaded.tables["trace"]

    def health(self) -> list[tuple[str, Deployment, Health | None]]:
        """Return every deployment with its app and how it stands; None when it was never asked."""
        found: list[tuple[str, Deployment, Health | None]] = []
        for name, each in self._apps.items():
            known = {health.deployment: health for health in each.state.health()}
            for places in each.app.models.values():
                found.extend((name, place, known.get(place.name)) for place in places)
        return found

    async def load(self, path: Path) -> App:
        """Load an app, or load it again; the old one goes on until the new one stands.

        Raises:
            Mistaken: `config_*`.

        """
        loaded = read(path, TABLES)
        name = loaded.definition.app
        before = self._apps.get(name)
        if before is not None and before.loaded.path != path:
            raise Mistaken("config_invalid", f'two apps are named "{name}"', place=str(path))
        rules = rules_of(loaded)
        made = assemble(loaded, self._shared, before)
        await self._definitions.put(loaded.definition)
        label = loaded.tables["app"].environment or PRODUCTION
        await self._shared.prompts.record(loaded.definition, written_of(loaded.tables["prompt"]).values(), label)
        self._apps[name] = made
        self._rules[name] = rules
        self._first = self._first or name
        return made.app

    def watch(self, paths: Sequence[Path], after: Callable[[], Awaitable[None]], every: float = 0.3) -> None:
        """Begin to reload apps whose files change, and do `after` each; a wrong file is reported and the app stays."""
        self._task = asyncio.create_task(self._watch(tuple(paths), after, every), name="app watch")

    async def close(self) -> None:
        """Stop watching and close the providers."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for each in self._apps.values():
            await each.fleet.close()

    async def _watch(self, paths: tuple[Path, ...], after: Callable[[], Awaitable[None]], every: float) -> None:
        seen = {path: self._stamps(path) for path in paths}
        while True:
            await asyncio.sleep(every)
            for path in paths:
                stamps = self._stamps(path)
                if stamps == seen[path]:
                    continue
                try:
                    app = await self.load(path)
                    await after()
                except Problem as problem:
                    log.error("%s: %s — still serving the last good one", problem.place or path.name, problem.message)  # noqa: TRY400
                else:
                    log.info("reloaded %s, definition %s", app.name, app.definition.hash[:12])
                seen[path] = self._stamps(path)

    def _stamps(self, path: Path) -> dict[Path, tuple[int, int]]:
        """Size and time of every file that the app was read from."""
        watched = next((each.loaded.watched for each in self._apps.values() if each.loaded.path == path), (path,))
        stamps: dict[Path, tuple[int, int]] = {}
        for file in watched:
            try:
                stat = file.stat()
            except OSError:
                continue
            stamps[file] = (stat.st_mtime_ns, stat.st_size)
        return stamps
