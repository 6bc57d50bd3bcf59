"""The archive of a deployment: keeps closed days, lets them be read, and forgets people when it is told to."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rowen import __version__
from rowen.store.archive import engine
from rowen.store.archive.columns import TABLES, Family
from rowen.store.archive.folder import Folder, LocalFolder
from rowen.store.archive.gather import Beat, scores_of, traces_of
from rowen.store.archive.lines import Whole
from rowen.store.archive.manifest import Manifest, Part, day_of
from rowen.store.archive.merge import merged
from rowen.store.archive.reading import Found, Reading
from rowen.store.archive.spool import Spool
from rowen.store.base import Day, Scores, Traces
from rowen.values import Broken, Clock, Mistaken, Score, Trace, TraceRow, Value

T = TypeVar("T")

_BEAT = 20.0  # seconds between two beats while DuckDB writes

_TABLES_OF: Mapping[str, tuple[Family, ...]] = {"traces": ("traces", "spans"), "scores": ("scores",)}


class Kept(Value, frozen=True, kw_only=True):
    """What one look at the store brought into the archive."""

    days: int = 0
    """Days of a tenant that were written."""
    unchanged: int = 0
    """Days that were read again and found as they are in the archive."""
    traces: int = 0
    spans: int = 0
    scores: int = 0
    """How many of them stand in the days that were written."""


class Erased(Value, frozen=True, kw_only=True):
    """What was removed from the archive."""

    days: int = 0
    """Days of a tenant that were written anew without it."""
    traces: int = 0
    spans: int = 0
    scores: int = 0


async def _no_beat() -> None:
    """Go on."""


class Archive:
    """Days of traces and scores in a folder. Who writes must be the only one who does."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def keep(
        self, traces: Traces, scores: Scores, *, before_ns: int, final: str = "", beat: Beat = _no_beat
    ) -> Kept:
        """Write the days that end before a moment and are not yet, or no longer, in the archive as they are in the store.

        Args:
            traces: of the store.
            scores: of the store.
            before_ns: the beginning of a day; that day and later ones are left.
            final: of `traces` or `scores`, read also the days that look as they did when they were last read.
            beat: called now and then; raises to end it. What was written by then stays.

        Raises:
            Unavailable: `store_unavailable`, such as when the disk is full.
            Broken: `store_corrupt` for a day whose files are damaged; it was left, and the others are written.

        """
        kept, damaged = Kept(), None
        found = await _days(traces, scores, before_ns)
        for (start_ns, tenant), marks in sorted(found.items()):
            await beat()
            manifest = await asyncio.to_thread(self._folder.manifest, day_of(start_ns), tenant)
            changed = [family for family, day in marks.items() if final == family or _changed(manifest, family, day)]
            if changed:
                try:
                    written = await self._write(traces, scores, start_ns, tenant, marks, changed, manifest, beat)
                except Broken as problem:
                    damaged = problem
                else:
                    kept = _with(kept, written)
        if damaged is not None:
            raise damaged
        return kept

    async def seal(self, family: str, days: Sequence[Day]) -> bool:
        """Note that the store may delete days now; return whether all of them are in the archive as they are told.

        Args:
            family: `traces` or `scores`.
            days: as the store tells them.

        """
        for day in days:
            manifest = await asyncio.to_thread(self._folder.manifest, day_of(day.start_ns), day.tenant)
            if manifest is None or _changed(manifest, family, day):
                return False
        for day in days:
            manifest = await asyncio.to_thread(self._folder.manifest, day_of(day.start_ns), day.tenant)
            if manifest is not None and family not in manifest.sealed:
                sealed = manifest.but(sealed=(*manifest.sealed, family))
                await asyncio.to_thread(self._folder.put, sealed, {})
        return True

    async def sweep(self) -> None:
        """Remove what writers that were killed left."""
        await asyncio.to_thread(self._folder.sweep)

    async def days(self, tenant: str | None = None) -> list[Manifest]:
        """Return what is in the archive, by day and tenant."""
        found = await asyncio.to_thread(lambda: list(self._folder.manifests()))
        return [each for each in found if tenant in (None, each.tenant)]

    async def damage(self) -> list[str]:
        """Read every byte and return a sentence for each day with a file that is not as it was written."""

        def work() -> list[str]:
            found = (self._folder.damaged(manifest, whole=True) for manifest in self._folder.manifests())
            return [damage for damage in found if damage is not None]

        return await asyncio.to_thread(work)

    async def query(self, query: str, *, limit: int = 1000) -> Found:
        """Return what a query over the views `traces`, `spans` and `scores` gives. All tenants are in them.

        Raises:
            Mistaken: `field_invalid`. Broken: `store_corrupt` naming the file.

        """
        return await self._read(None, lambda reading: reading.query(query, limit=limit))

    async def find(
        self, *, tenant: str | None = None, where: Mapping[str, str] | None = None, limit: int = 50
    ) -> list[TraceRow]:
        """Return the rows of the newest traces whose columns have some values."""
        given = where or {}
        for name in given:
            if name not in TABLES["traces"]:
                raise Mistaken("field_unknown", f"the archive has no column {name!r}", place="where")
        condition = " AND ".join(["true", *(f'traces."{name}" = ?' for name in given)])
        return await self._read(tenant, lambda reading: reading.rows(condition, list(given.values()), limit=limit))

    async def whole(self, id: str, tenant: str | None = None) -> Whole | None:
        """Return one trace with all its spans, those that came on later days too."""
        return next(iter(await self.wholes([id], tenant)), None)

    async def wholes(self, ids: Sequence[str], tenant: str | None = None) -> list[Whole]:
        """Return traces by id, each with all its spans, those that came on later days too."""

        def work(reading: Reading) -> list[Whole]:
            found: dict[tuple[str, str], Whole] = {}
            for each in reading.wholes(ids, tenant):
                place = (each.trace.row.tenant, each.trace.row.id)
                found[place] = merged(found[place], each) if place in found else each
            return list(found.values())

        return await self._read(tenant, work)

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace whole, as the store gives it, but with all of its spans."""
        found = await self.whole(id, tenant)
        if found is None:
            return None
        sent = sorted(found.sent, key=lambda span: (bool(span.row.parent), span.row.started_ns, span.row.id))
        return found.trace.but(spans=(*found.trace.spans, *(span.span for span in sent)))

    async def scores(self, trace: str, tenant: str | None = None) -> list[Score]:
        """Return the scores of a trace."""
        return await self._read(tenant, lambda reading: reading.scores("trace = ?", [trace]))

    async def erase(
        self,
        tenant: str,
        *,
        traces: Sequence[str] = (),
        user: str = "",
        session: str = "",
        beat: Beat = _no_beat,
    ) -> Erased:
        """Remove traces of one tenant by id, by user and by session, with their spans and scores, for good.

        Raises:
            Unavailable: `store_unavailable`; what is gone by then stays gone. Broken: `store_corrupt`.

        """
        if not (traces or user or session):
            return Erased()
        gone, judged = await self._read(
            tenant, lambda reading: _meant(reading, traces=traces, user=user, session=session)
        )
        erased = Erased()
        for manifest in await self.days(tenant):
            ids, scores = gone.get(manifest.day, []), judged.get(manifest.day, [])
            if not ids and not scores:
                continue
            await beat()
            left = await asyncio.to_thread(self._without, manifest, {"traces": ids, "spans": ids, "scores": scores})
            erased = Erased(
                days=erased.days + 1,
                **{table: getattr(erased, table) + _rows(manifest, table) - _rows(left, table) for table in TABLES},
            )
        return erased

    async def _write(
        self,
        traces: Traces,
        scores: Scores,
        start_ns: int,
        tenant: str,
        marks: Mapping[str, Day],
        changed: Sequence[str],
        manifest: Manifest | None,
        beat: Beat,
    ) -> Kept:
        staged = await asyncio.to_thread(self._folder.staged)
        try:
            spool = Spool(staged)
            try:
                if "traces" in changed:
                    known = None
                    if manifest is not None and "traces" in manifest.sealed:
                        known = self._known(manifest)
                    await traces_of(traces, spool, tenant, start_ns, beat=beat, known=known)
                if "scores" in changed:
                    await scores_of(scores, spool, tenant, start_ns, beat=beat)
            finally:
                spool.close()
            fresh = manifest or Manifest(
                rowen=__version__, day=day_of(start_ns), tenant=tenant, generation=0, written_ns=0
            )
            fresh = fresh.but(marks={**fresh.marks, **{family: marks[family].mark for family in changed}})
            fresh, files, kept = await _in_thread(
                lambda: self._made(spool, staged, manifest, fresh, changed), spool, beat
            )
            await beat()
            if fresh != manifest:
                await asyncio.to_thread(self._folder.put, fresh, files)
            return kept
        finally:
            await asyncio.to_thread(shutil.rmtree, staged, ignore_errors=True)

    def _made(
        self, spool: Spool, staged: Path, manifest: Manifest | None, fresh: Manifest, changed: Sequence[str]
    ) -> tuple[Manifest, dict[str, Path], Kept]:
        """Turn the spool into files; into none when there is nothing new but the marks."""
        read = {table: spool.content(table) for family in changed for table in _TABLES_OF[family]}
        if manifest is not None and all(manifest.read.get(table) == content for table, content in read.items()):
            return fresh, {}, Kept(unchanged=1)
        fresh = fresh.but(generation=fresh.generation + 1, read={**fresh.read, **read})
        tables: dict[str, Part] = dict(fresh.tables)
        files: dict[str, Path] = {}
        for table in read:
            earlier = None
            if manifest is not None and (table != "scores" or "scores" in manifest.sealed):
                earlier = self._folder.address(manifest, table)
            part = spool.parquet(table, f"{table}-{fresh.generation}.parquet", earlier=earlier)
            tables.pop(table, None)
            if part is not None:
                tables[table] = part
                files[table] = staged / part.file
        fresh = fresh.but(tables=tables, rowen=__version__, written_ns=self._clock.now_ns())
        return fresh, files, Kept(days=1, **{table: _rows(fresh, table) for table in TABLES})

    def _without(self, manifest: Manifest, gone: Mapping[Family, Sequence[str]]) -> Manifest:
        """Write a day again without some of its rows; return what is left."""
        staged = self._folder.staged()
        try:
            spool = Spool(staged)
            spool.close()
            generation = manifest.generation + 1
            tables: dict[str, Part] = {}
            files: dict[str, Path] = {}
            for table in TABLES:
                earlier = self._folder.address(manifest, table)
                if earlier is None:
                    continue
                part = spool.parquet(table, f"{table}-{generation}.parquet", earlier=earlier, without=gone[table])
                if part is not None:
                    tables[table] = part
                    files[table] = staged / part.file
            # What was last read is no longer what is here.
            left = manifest.but(generation=generation, tables=tables, read={}, written_ns=self._clock.now_ns())
            if tables:
                self._folder.put(left, files)
            else:
                self._folder.drop(manifest)
            return left
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _known(self, manifest: Manifest) -> Callable[[Sequence[str]], Any]:
        async def known(ids: Sequence[str]) -> dict[str, Whole]:
            def work() -> dict[str, Whole]:
                reading = Reading(self._folder, [manifest])
                try:
                    return {each.trace.row.id: each for each in reading.wholes(ids)}
                finally:
                    reading.close()

            return await asyncio.to_thread(work)

        return known

    async def _read(self, tenant: str | None, work: Callable[[Reading], T]) -> T:
        """Read what is in the archive; once more if a day was written anew meanwhile."""

        def once() -> T:
            reading = Reading(self._folder, manifests)
            try:
                return work(reading)
            finally:
                reading.close()

        manifests = await self.days(tenant)
        try:
            return await asyncio.to_thread(once)
        except Broken:
            now = await self.days(tenant)
            if now == manifests:
                raise
            manifests = now
            return await asyncio.to_thread(once)


async def _in_thread(work: Callable[[], T], spool: Spool, beat: Beat) -> T:
    """Do what takes long in a thread; it ends with the one who waits for it."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_BEAT)
            if not task.done():
                await beat()
        return task.result()
    except BaseException:
        spool.stop()
        await asyncio.gather(task, return_exceptions=True)
        raise


def open_archive(place: Path, clock: Clock) -> Archive:
    """Return the archive in a folder of this machine.

    Raises:
        Mistaken: `extra_missing`.

    """
    engine.duckdb()
    return Archive(LocalFolder(place), clock)


def _changed(manifest: Manifest | None, family: str, day: Day) -> bool:
    return manifest is None or manifest.marks.get(family) != day.mark


def _rows(manifest: Manifest, table: str) -> int:
    part = manifest.tables.get(table)
    return 0 if part is None else part.rows


def _with(kept: Kept, more: Kept) -> Kept:
    return Kept(**{name: getattr(kept, name) + getattr(more, name) for name in Kept.__struct_fields__})


async def _days(traces: Traces, scores: Scores, before_ns: int) -> dict[tuple[int, str], dict[str, Day]]:
    found: dict[tuple[int, str], dict[str, Day]] = {}
    for family, days in (
        ("traces", await traces.days(before_ns=before_ns)),
        ("scores", await scores.days(before_ns=before_ns)),
    ):
        for day in days:
            found.setdefault((day.start_ns, day.tenant), {})[family] = day
    return found


_ById = dict[str, list[str]]


def _meant(reading: Reading, *, traces: Sequence[str], user: str, session: str) -> tuple[_ById, _ById]:
    """Return by day the traces that are to go, and the scores."""
    found = reading.found(
        "SELECT DISTINCT id FROM traces WHERE (? <> '' AND \"user\" = ?) OR (? <> '' AND session = ?)",
        [user, user, session, session],
    )
    known = {*traces, *(id for (id,) in found)}  # of a trace that is spread over days, only one half may name them
    fresh = known
    while fresh:  # the calls within them, such as those of rewriters and judges, name nobody
        within = reading.found(
            "SELECT DISTINCT id FROM traces WHERE list_contains(?::VARCHAR[], within)", [sorted(fresh)]
        )
        fresh = {id for (id,) in within} - known
        known = known | fresh
    ids = sorted(known)
    gone: _ById = {}
    for day, id in reading.found("SELECT day::VARCHAR, id FROM traces WHERE list_contains(?::VARCHAR[], id)", [ids]):
        gone.setdefault(day, []).append(id)
    judged: _ById = {}
    for day, id in reading.found(
        "SELECT day::VARCHAR, id FROM scores WHERE list_contains(?::VARCHAR[], trace) OR (? <> '' AND session = ?)",
        [ids, session, session],
    ):
        judged.setdefault(day, []).append(id)
    return gone, judged
