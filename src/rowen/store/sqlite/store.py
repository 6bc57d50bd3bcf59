"""All families in one folder: `rowen.db`, `counters.db`, `cache.db`, `traces.db`, `scores.db`, `measures.db`, `runs.db` and `knowledge.db`."""

import asyncio
from pathlib import Path

import msgspec

from rowen.store.sql.audit import SqlAudit
from rowen.store.sql.definitions import SqlDefinitions
from rowen.store.sql.keys import SqlKeys
from rowen.store.sql.records import SqlRecords
from rowen.store.sql.tenants import SqlRevision, SqlTenants
from rowen.store.sql.turns import SqlTurns
from rowen.store.sqlite import cache, counters, knowledge, measures, runs, scores, traces
from rowen.store.sqlite.database import SqliteDatabase
from rowen.store.sqlite.file import File, FileOptions
from rowen.values import Clock, Mistaken


class SqliteStore:
    """The records of one deployment on one machine, shared by its processes."""

    def __init__(self, folder: Path, options: FileOptions, clock: Clock) -> None:
        self._database = SqliteDatabase(folder / "rowen.db", options)
        self._counters = File(folder / "counters.db", counters.SCRIPTS, options)
        self._cache = File(folder / "cache.db", cache.SCRIPTS, options)
        self._traces = File(folder / "traces.db", traces.SCRIPTS, options, shrinks=True)
        self._reader, self._searcher = self._traces.another(), self._traces.another()
        self._scores = File(folder / "scores.db", scores.SCRIPTS, options)
        self._scores_reader = self._scores.another()
        self._measures = File(folder / "measures.db", measures.SCRIPTS, options)
        self._runs = File(folder / "runs.db", runs.SCRIPTS, options)
        self._runs_reader = self._runs.another()
        self._knowledge = File(folder / "knowledge.db", knowledge.SCRIPTS, options)
        self._knowing, self._imaging = self._knowledge.another(), self._knowledge.another()
        self.keys = SqlKeys(self._database)
        self.tenants = SqlTenants(self._database)
        self.audit = SqlAudit(self._database)
        self.revisions = SqlRevision(self._database)
        self.definitions = SqlDefinitions(self._database, clock)
        self.turns = SqlTurns(self._database)
        self.counters = counters.SqliteCounters(self._counters)
        self.cache = cache.SqliteCache(self._cache)
        self.traces = traces.SqliteTraces(self._traces, self._reader, self._searcher)
        self.scores = scores.SqliteScores(self._scores, self._scores_reader)
        self.records = SqlRecords(self._database)
        self.measures = measures.SqliteMeasures(self._measures)
        self.runs = runs.SqliteRuns(self._runs, self._runs_reader)
        self.knowledge = knowledge.SqliteKnowledge(self._knowledge, self._knowing, self._imaging, folder / "knowledge")

    async def open(self) -> None:
        """Open every file, or none.

        Raises:
            Broken: `store_corrupt`. Unavailable: `store_unavailable`.

        """
        opened = await asyncio.gather(
            self._database.open(),
            self._counters.open(),
            self._cache.open(),
            self._traces.open(),
            self._scores.open(),
            self._measures.open(),
            self._runs.open(),
            self._knowledge.open(),
            return_exceptions=True,
        )
        problems = [outcome for outcome in opened if isinstance(outcome, BaseException)]
        if problems:
            await self.close()
            raise problems[0]
        await self._reader.open()
        await self._searcher.open()
        await self._scores_reader.open()
        await self._runs_reader.open()
        await self._knowing.open()
        await self._imaging.open()
        await self.knowledge.open()

    async def check(self) -> dict[str, str]:
        """Return the files by what they hold, each with its health."""
        return {
            "keys, tenants, users, audit, definitions, turns, records (rowen.db)": await self._database.check(),
            "counters (counters.db)": await self._counters.check(),
            "cache (cache.db)": await self._cache.check(),
            "traces (traces.db)": await self._traces.check(),
            "scores (scores.db)": await self._scores.check(),
            "measures (measures.db)": await self._measures.check(),
            "runs (runs.db)": await self._runs.check(),
            "knowledge (knowledge.db)": await self._knowledge.check(),
        }

    async def close(self) -> None:
        """Finish what was begun and close every file."""
        await self.knowledge.close()
        readers = (self._imaging, self._knowing, self._runs_reader, self._scores_reader, self._searcher, self._reader)
        writers = (self._knowledge, self._runs, self._measures, self._scores, self._traces)
        for part in (*readers, *writers, self._cache, self._counters, self._database):
            await part.close()


async def open_at(place: str, options: dict[str, str], *, clock: Clock) -> SqliteStore:
    """Open the store in a folder, made (mode 0700) if it was not there.

    Raises:
        Mistaken: `config_invalid` for an option that is not one, or no folder.
        Unavailable: `store_unavailable`. Broken: `store_corrupt`.

    """
    if not place:
        raise Mistaken("config_invalid", "the address lacks the folder: write `sqlite:FOLDER`")
    try:
        read = msgspec.convert(options, FileOptions, strict=False)
    except msgspec.ValidationError as error:
        raise Mistaken("config_invalid", f"the store's address has a wrong option: {error}") from error
    store = SqliteStore(Path(place), read, clock)
    await store.open()
    return store
