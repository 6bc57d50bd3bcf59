"""The apps of one process: loaded from their files or from what was kept, and swapped in one step."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from rowen.config import Loaded, kept, read
from rowen.evaluate.plan import MetricsTable
from rowen.flow import App
from rowen.flow.assemble import Assembled, Shared, assemble
from rowen.flow.deployments import placed, remarks
from rowen.flow.knowledge import embed_of
from rowen.flow.shadow import Shadows, quiet
from rowen.flow.split import split_of
from rowen.prompt import written_of
from rowen.prompt.version import CANDIDATE
from rowen.provider.fleet import Fleet
from rowen.release import Reason, Releases
from rowen.retrieve import RetrieveSettings
from rowen.route import Health
from rowen.score.rule import Rule
from rowen.serve.canarying import canaries_of
from rowen.serve.exampling import vet_examples
from rowen.serve.following import following, reloading
from rowen.serve.judging import rules_of
from rowen.serve.standing import Standing, copied, environment_of, fate, needed, undone, waits
from rowen.serve.tables import TABLES
from rowen.store.base import Definitions, Revision
from rowen.trace import TraceSettings
from rowen.values import Call, Deployment, Embed, Live, Mistaken, Problem, Refused, Request, now

log = logging.getLogger(__name__)

_LEFT = 900.0
"""Seconds for which what is not needed any more may still have calls under way."""


class Served:
    """The `Apps` that doors ask. Calls under way keep the app they began with.

    Args:
        shared: what all apps of the process share.
        definitions: where every Definition is kept.
        releases: says which of them answers, and takes note of new ones.
        revisions: tells of changes.
        shadows: copies calls.
        erasures: gives how often something was erased that apps may hold in memory.
        dev: whether a file answers at once, whatever was decided before.

    """

    def __init__(
        self,
        shared: Shared,
        definitions: Definitions,
        releases: Releases,
        revisions: Revision,
        shadows: Shadows,
        *,
        erasures: Callable[[], Awaitable[int]],
        dev: bool = False,
    ) -> None:
        self._shared = shared
        self._definitions = definitions
        self._releases = releases
        self._revisions = revisions
        self._shadows = shadows
        self._erasures = erasures
        self._erased: int | None = None
        self._dev = dev
        self._apps: dict[str, Standing] = {}
        self._first = ""
        self._revision: int | None = None
        self._changing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._left: list[Assembled] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._stuck: dict[str, int] = {}
        self._recorded: dict[tuple[str, str], str] = {}
        self.ended: Callable[[Call], None] = lambda _: None
        """Is told of every assigned call that has ended. Must not wait."""

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
        return found.front

    def all(self) -> tuple[App, ...]:
        """Return all apps, the first one first."""
        return tuple(each.front for each in self._apps.values())

    def loaded(self) -> list[Loaded]:
        """Return every app as it is live."""
        return [each.main.loaded for each in self._apps.values()]

    def answering(self, name: str) -> list[Loaded]:
        """Return every Definition of an app that answers somebody now, what is live first."""
        found = self._apps[name]
        return [found.main.loaded, *(each.loaded for each in found.arms())]

    def live(self) -> list[Live]:
        """Return what is live of every app, as this process knows it."""
        return [each.live for each in self._apps.values()]

    def governed(self) -> dict[str, str]:
        """Return the environments in which apps are live here that say how they are let out, by app."""
        return {name: environment_of(each.file) for name, each in self._apps.items() if waits(each.file)}

    def embed(self, loaded: Loaded, settings: RetrieveSettings) -> Embed | None:
        """Return what makes the vectors of one of an app's `[retrieve]` tables; None where there are none.

        Raises:
            Mistaken: `config_*`.

        """
        if not settings.embed:
            return None
        found = self._apps[loaded.definition.app]
        standing = found.warm.get(loaded.definition.hash) or found.quiet.get(loaded.definition.hash) or found.main
        return embed_of(
            settings.embed, placed(loaded.tables["models"]), standing.fleet.ask, self._shared.knowing.bundled
        )

    def rules(self) -> list[Rule]:
        """Return the rules of all apps by which their traffic is judged."""
        return [rule for each in self._apps.values() for rule in each.rules]

    def plan(self, name: str) -> MetricsTable:
        """Return an app's `[metrics]`: what decides about its changes; nothing for an app that is not served."""
        found = self._apps.get(name)
        plan: MetricsTable = MetricsTable() if found is None else found.main.loaded.tables["metrics"]
        return plan

    def fleet(self, name: str) -> Fleet:
        """Return the deployments of an app as it is live, to ask one by itself."""
        return self._apps[name].main.fleet

    def tracing(self, name: str) -> TraceSettings | None:
        """Return an app's `[trace]` table, None when no such app is served."""
        found = self._apps.get(name)
        return None if found is None else found.main.loaded.tables["trace"]

    def health(self) -> list[tuple[str, Deployment, Health | None]]:
        """Return every deployment with its app and how it stands; None when it was never asked."""
        found: list[tuple[str, Deployment, Health | None]] = []
        for name, app in self._apps.items():
            listed: set[str] = set()
            for each in (app.main, *app.arms()):
                known = {health.deployment: health for health in each.state.health()}
                places = [place for places in each.app.models.values() for place in places if place.name not in listed]
                found.extend((name, place, known.get(place.name)) for place in places)
                listed |= {place.name for place in places}
        return found

    async def load(self, path: Path) -> App:
        """Load an app from its file, or load it again; what answers goes on until something else stands.

        Raises:
            Mistaken: `config_*`.

        """
        async with self._changing:
            loaded = read(path, TABLES)
            vet_examples(loaded)
            name = loaded.definition.app
            before = self._apps.get(name)
            if before is not None and before.path != path:
                raise Mistaken("config_invalid", f'two apps are named "{name}"', place=str(path))
            made = assemble(loaded, self._shared, before.main if before else None)
            rules_of(loaded)
            canaries_of(loaded)
            for warning in remarks(loaded.tables["models"], now(self._shared.clock).date()):
                log.warning("%s: %s", name, warning)
            await self._definitions.put(loaded.definition)
            live = await self._let_out(loaded)
            if before is None:
                before = Standing(
                    path=path, file=loaded, live=live, warm={loaded.definition.hash: made}, front=made.app
                )
                await self._apply(before, live)
                self._apps[name] = before
            else:
                before.file = loaded
                before.warm[loaded.definition.hash] = made
                await self._apply(before, live)
            self._first = self._first or name
            return before.front

    async def refresh(self) -> bool:
        """Take up what was decided since the last time, by whoever it was; return whether there was anything."""
        revision = await self._revisions.revision()
        if revision == self._revision:
            return False
        await self._forget()
        async with self._changing:
            changed = stuck = False
            lives = {(each.app, each.environment): each for each in await self._releases.lives()}
            for name, standing in self._apps.items():
                live = lives.get((name, environment_of(standing.file)))
                if live is None or not live.definition or live == standing.live:
                    continue
                try:
                    await self._apply(standing, live)
                except Problem as problem:
                    stuck = True
                    if self._stuck.get(name) != live.number:
                        log.error("%s cannot be switched, what answered goes on: %s", name, problem)  # noqa: TRY400
                    self._stuck[name] = live.number
                else:
                    log.info("%s: %s is live by line %d of its log", name, live.definition[:12], live.number)
                    changed = True
            self._revision = self._revision if stuck else revision
        return changed

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return every file that the app of an `app.toml` was read from; that alone where none is served of it."""
        return next((tuple(each.file.watched) for each in self._apps.values() if each.path == path), (path,))

    def follow(self, after: Callable[[], Awaitable[None]], every: float = 0.25) -> None:
        """Begin to take up what is decided anywhere, and do `after` each."""
        self._tasks.append(asyncio.create_task(following(self.refresh, after, every), name="releases"))

    def watch(self, paths: Sequence[Path], after: Callable[[], Awaitable[None]], every: float = 0.3) -> None:
        """Begin to reload apps whose files change, and do `after` each; a wrong file is reported and the app stays."""
        self._tasks.append(asyncio.create_task(reloading(self, paths, after, every), name="app watch"))

    async def close(self) -> None:
        """Stop watching and close the providers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._shadows.close()
        standing = [made for each in self._apps.values() for made in (*each.warm.values(), *each.quiet.values())]
        for each in (*standing, *self._left):
            await each.fleet.close()

    async def _let_out(self, loaded: Loaded) -> Live:
        """Do with a file's Definition what is to be done with it; return what is live then."""
        app, environment, hash = loaded.definition.app, environment_of(loaded), loaded.definition.hash
        while True:
            live = await self._releases.live(app, environment)
            number = live.number if live is not None else 0
            taken_back = number > 0 and undone(await self._releases.log(app, environment=environment), hash)
            try:
                match fate(live, loaded, dev=self._dev, undone=taken_back):
                    case "release":
                        first = live is None or not live.definition
                        note = "the first version" if first else f"{loaded.path.name} was changed"
                        why = Reason(by="rowen", note=note, force=self._dev or first)
                        live = await self._releases.release(app, hash, why, environment=environment, expect=number)
                    case "candidate":
                        log.info("%s: %s waits for `rowen release`", app, hash[:12])
                    case "kept":
                        log.warning("%s: the file waits for `rowen release`, since something else was chosen", app)
                    case "live":
                        pass
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
                continue  # another process has decided meanwhile: look again
            except Refused as problem:
                if live is None:
                    raise
                log.warning("%s: the file does not answer: %s", app, problem)
            assert live is not None, "an app that has no version was given its first"
            return live

    async def _apply(self, standing: Standing, live: Live) -> None:
        """Let an app be answered as is decided. Everything that has to answer stands before anything changes."""
        warm, shadows = dict(standing.warm), dict(standing.quiet)
        for hash in sorted(needed(live) - warm.keys()):
            warm[hash] = await self._made(standing, hash)
        for hash in sorted(copied(live) - shadows.keys()):
            shadows[hash] = await self._made(standing, hash, shadow=True)
        if live.before and live.before not in warm:  # so that going back to it takes no time
            try:
                warm[live.before] = await self._made(standing, live.before)
            except Problem as problem:
                log.warning("%s cannot be rolled back in this process: %s", live.app, problem)
        for hash in sorted(needed(live)):
            await warm[hash].app.ready()
        rules = rules_of(warm[live.definition].loaded)
        for hash in sorted(needed(live) - {live.definition}):
            await self._record(warm[hash].loaded, CANDIDATE)
        await self._record(warm[live.definition].loaded, live.environment)
        front = split_of(live, {hash: warm[hash].app for hash in needed(live)}, self._seen)
        wanted = needed(live) | {live.before, standing.file.definition.hash}
        self._leave(each for hash, each in warm.items() if hash not in wanted)
        self._leave(each for hash, each in shadows.items() if hash not in copied(live))
        standing.warm = {hash: each for hash, each in warm.items() if hash in wanted}
        standing.quiet = {hash: each for hash, each in shadows.items() if hash in copied(live)}
        standing.live, standing.front, standing.rules = live, front, rules

    async def _record(self, loaded: Loaded, label: str) -> None:
        """Keep the prompts of what answers as versions of their own."""
        if self._recorded.get((loaded.definition.app, label)) != loaded.definition.hash:
            await self._shared.prompts.record(loaded.definition, written_of(loaded.tables["prompt"]).values(), label)
            self._recorded[loaded.definition.app, label] = loaded.definition.hash

    async def _made(self, standing: Standing, hash: str, *, shadow: bool = False) -> Assembled:
        """Return a Definition that was kept, assembled.

        Raises:
            Mistaken: `config_*`, `not_found`.

        """
        definition = await self._definitions.get(hash)
        if definition is None:
            raise Mistaken("not_found", f"the Definition {hash[:12]} was never kept here", place=standing.path.name)
        loaded = kept(definition, TABLES, standing.path)
        before = standing.warm.get(standing.live.definition)
        return assemble(quiet(loaded) if shadow else loaded, self._shared, before)

    async def _forget(self) -> None:
        """Forget what is held of questions and answers, if somebody was erased since the last look."""
        before, self._erased = self._erased, await self._erasures()
        if before is None or before == self._erased:
            return
        self._shared.cache.forget()
        for standing in self._apps.values():
            for each in (*standing.warm.values(), *standing.quiet.values()):
                each.forget()

    def _leave(self, assembled: Iterable[Assembled]) -> None:
        """Close what is not needed any more, when no call can be under way in it."""
        for each in assembled:
            self._left.append(each)
            asyncio.get_running_loop().call_later(_LEFT, self._close, each)

    def _close(self, assembled: Assembled) -> None:
        if assembled in self._left:
            self._left.remove(assembled)
            task = asyncio.get_running_loop().create_task(assembled.fleet.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _seen(self, call: Call, *, asked: Request | None = None) -> None:
        self.ended(call)
        if asked is None:
            return
        standing = self._apps[call.app]
        mine = {each.rollout for each in call.assigned}
        for rollout in standing.live.rollouts:
            if rollout.strategy == "shadow" and rollout.id in mine:
                self._shadows.copy(call, asked, rollout, standing.quiet[rollout.arms[1].definition].app)
