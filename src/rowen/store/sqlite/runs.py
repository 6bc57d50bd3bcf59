"""Outcomes of runs in `runs.db`: what is counted in one table, the bodies in another, each sorted by run, case and trial.

A reading of figures goes through neighbouring rows and touches no body.
"""

import sqlite3
from collections.abc import Sequence

from rowen.store.base import Figures, Place
from rowen.store.outcomes import COLUMNS, REST, bodies, figures_of, outcome_of, row
from rowen.store.sqlite.file import File
from rowen.values import Outcome

SCRIPTS = (
    """
CREATE TABLE runs (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL);
CREATE UNIQUE INDEX runs_by_id ON runs (tenant, id);
CREATE TABLE outcomes (
    run INTEGER NOT NULL, "case" TEXT NOT NULL, trial INTEGER NOT NULL, state TEXT NOT NULL, numbers TEXT NOT NULL,
    labels TEXT NOT NULL, "group" TEXT NOT NULL, slices TEXT NOT NULL, cost TEXT, duration_ms REAL, first_ms REAL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, trace TEXT NOT NULL, cached INTEGER NOT NULL,
    paid TEXT, key TEXT NOT NULL, asked TEXT NOT NULL, at_ns INTEGER NOT NULL,
    PRIMARY KEY (run, "case", trial)
) WITHOUT ROWID;
CREATE INDEX outcomes_by_key ON outcomes (key) WHERE key <> '' AND state = 'answered';
CREATE INDEX outcomes_by_asked ON outcomes (asked) WHERE asked <> '';
CREATE TABLE bodies (
    run INTEGER NOT NULL, "case" TEXT NOT NULL, trial INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (run, "case", trial)
) WITHOUT ROWID;
""",
)

_FIGURES = ", ".join(f'"{name}"' for name in COLUMNS)
_ALL = ", ".join(f'outcomes."{name}"' for name in (*COLUMNS, *REST))
_ROOM = ", ".join("?" * (len(COLUMNS) + len(REST) + 1))
_BODY = 'JOIN bodies ON bodies.run = outcomes.run AND bodies."case" = outcomes."case" AND bodies.trial = outcomes.trial'

_RUN = "SELECT number FROM runs WHERE tenant = ? AND id = ?"
_NEW = "INSERT INTO runs (tenant, id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_PUT = f"INSERT OR REPLACE INTO outcomes (run, {_FIGURES}, {', '.join(REST)}) VALUES ({_ROOM})"  # noqa: S608 - made of constants
_PUT_BODY = "INSERT OR REPLACE INTO bodies VALUES (?, ?, ?, ?)"
_READ = f'SELECT {_FIGURES} FROM outcomes WHERE run = ? ORDER BY "case", trial'  # noqa: S608 - made of constants
_ONE = f"""SELECT {_ALL}, body FROM outcomes {_BODY}
WHERE outcomes.run = ? AND outcomes."case" = ? AND outcomes.trial = ?"""  # noqa: S608 - made of constants
_PAGE = f"""SELECT {_ALL}, body FROM outcomes {_BODY}
WHERE outcomes.run = ? AND (outcomes."case", outcomes.trial) > (?, ?)
ORDER BY outcomes."case", outcomes.trial LIMIT ?"""  # noqa: S608 - made of constants
_KNOWN = f"""SELECT {_ALL}, body FROM outcomes {_BODY} JOIN runs ON runs.number = outcomes.run
WHERE {{by}} AND runs.tenant = ?
ORDER BY at_ns DESC, outcomes.run DESC LIMIT 1"""  # noqa: S608 - made of constants
_BY = ("key = ? AND key <> '' AND state = 'answered'", "asked = ? AND asked <> ''")
_DROPS = ("DELETE FROM bodies WHERE run = ?", "DELETE FROM runs WHERE number = ?")
_DROP = "DELETE FROM outcomes WHERE run = ?"


class SqliteRuns:
    """Outcomes in one file, written through one connection and read through another."""

    def __init__(self, writer: File, reader: File) -> None:
        self._writer = writer
        self._reader = reader

    async def put(self, run: str, outcomes: Sequence[Outcome], *, tenant: str) -> None:
        """Write outcomes in one transaction; one that is there is replaced."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_NEW, (tenant, run))
            (number,) = connection.execute(_RUN, (tenant, run)).fetchone()
            connection.executemany(_PUT, [(number, *row(each)) for each in outcomes])
            connection.executemany(
                _PUT_BODY,
                [(number, each.case, each.trial, body) for each, body in zip(outcomes, bodies(outcomes), strict=True)],
            )

        if outcomes:
            await self._writer.write(work)

    async def figures(self, run: str, tenant: str) -> Figures:
        """Return the figures of all outcomes."""
        rows = await self._reader.read(
            lambda connection: connection.execute(_READ, (_number(connection, run, tenant),)).fetchall()
        )
        return figures_of(rows)

    async def find(self, run: str, places: Sequence[Place], *, tenant: str) -> list[Outcome]:
        """Return outcomes whole, in the order asked for."""

        def work(connection: sqlite3.Connection) -> list[Outcome]:
            number = _number(connection, run, tenant)
            found = (connection.execute(_ONE, (number, *place)).fetchone() for place in places)
            return [outcome_of(each[:-1], each[-1]) for each in found if each is not None]

        return await self._reader.read(work)

    async def page(self, run: str, *, tenant: str, after: Place | None = None, limit: int = 100) -> list[Outcome]:
        """Return outcomes whole, from behind a place."""
        case, trial = after or ("", -1)

        def work(connection: sqlite3.Connection) -> list[Outcome]:
            rows = connection.execute(_PAGE, (_number(connection, run, tenant), case, trial, limit))
            return [outcome_of(each[:-1], each[-1]) for each in rows]

        return await self._reader.read(work)

    async def known(self, keys: Sequence[str], *, tenant: str) -> dict[str, Outcome]:
        """Return the latest answered outcome of each content key."""

        def work(connection: sqlite3.Connection) -> dict[str, Outcome]:
            found: dict[str, Outcome] = {}
            for key in {*keys} - {""}:
                rows = (connection.execute(_KNOWN.format(by=by), (key, tenant)).fetchone() for by in _BY)
                outcomes = [outcome_of(each[:-1], each[-1]) for each in rows if each is not None]
                if outcomes:
                    found[key] = max(outcomes, key=lambda each: each.at_ns)
            return found

        return await self._reader.read(work)

    async def delete(self, run: str, tenant: str) -> int:
        """Remove the outcomes of a run; return how many."""

        def work(connection: sqlite3.Connection) -> int:
            number = _number(connection, run, tenant)
            for statement in _DROPS:
                connection.execute(statement, (number,))
            return connection.execute(_DROP, (number,)).rowcount

        return await self._writer.write(work)


def _number(connection: sqlite3.Connection, run: str, tenant: str) -> int | None:
    found = connection.execute(_RUN, (tenant, run)).fetchone()
    return None if found is None else int(found[0])
