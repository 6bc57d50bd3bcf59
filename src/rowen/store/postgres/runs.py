"""Outcomes of runs: what is counted in one table, the bodies in another."""

from collections.abc import Sequence
from typing import Any

from rowen.store.base import Figures, Place
from rowen.store.outcomes import COLUMNS, REST, bodies, figures_of, outcome_of, row
from rowen.store.postgres.database import PostgresDatabase, Raw
from rowen.values import Outcome

_C = 'text COLLATE "C" NOT NULL'

SCRIPT = (
    f"""
CREATE TABLE outcomes (
    tenant {_C}, run {_C}, "case" {_C}, trial integer NOT NULL, state {_C}, numbers {_C}, labels {_C}, "group" {_C},
    slices {_C}, cost text, duration_ms double precision, first_ms double precision, input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL, trace {_C}, cached boolean NOT NULL, paid text, key {_C}, asked {_C}, at_ns bigint NOT NULL,
    PRIMARY KEY (tenant, run, "case", trial)
)
""",
    "CREATE INDEX outcomes_by_key ON outcomes (tenant, key, at_ns) WHERE key <> '' AND state = 'answered'",
    "CREATE INDEX outcomes_by_asked ON outcomes (tenant, asked, at_ns) WHERE asked <> ''",
    f"""
CREATE TABLE outcome_bodies (
    tenant {_C}, run {_C}, "case" {_C}, trial integer NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (tenant, run, "case", trial)
)
""",
)

_NAMES = (*COLUMNS, *REST)
_FIGURES = ", ".join(f'"{name}"' for name in COLUMNS)
_ALL = ", ".join(f'"{name}"' for name in _NAMES)
_BODY = 'JOIN outcome_bodies USING (tenant, run, "case", trial)'
_PLACE = '(tenant, run, "case", trial)'
_SET = ", ".join(f'"{name}" = excluded."{name}"' for name in _NAMES if name not in {"case", "trial"})
_PUT = f"""INSERT INTO outcomes (tenant, run, {_ALL}) VALUES ({", ".join(["%s"] * (len(_NAMES) + 2))})
ON CONFLICT {_PLACE} DO UPDATE SET {_SET}"""  # noqa: S608 - made of constants
_PUT_BODY = f"""INSERT INTO outcome_bodies VALUES (%s, %s, %s, %s, %s)
ON CONFLICT {_PLACE} DO UPDATE SET body = excluded.body"""  # noqa: S608 - made of constants
_READ = f'SELECT {_FIGURES} FROM outcomes WHERE tenant = %s AND run = %s ORDER BY "case", trial'  # noqa: S608 - made of constants
_WANTED = f"""SELECT {_ALL}, body FROM unnest(%s::text[], %s::int[]) WITH ORDINALITY AS wanted ("case", trial, at)
JOIN outcomes USING ("case", trial) {_BODY} WHERE tenant = %s AND run = %s ORDER BY wanted.at"""  # noqa: S608 - made of constants
_PAGE = f"""SELECT {_ALL}, body FROM outcomes {_BODY}
WHERE tenant = %s AND run = %s AND ("case", trial) > (%s, %s) ORDER BY "case", trial LIMIT %s"""  # noqa: S608 - made of constants
_KNOWN = f"""SELECT DISTINCT ON ({{by}}) {_ALL}, body FROM outcomes {_BODY}
WHERE tenant = %s AND {{by}} = ANY(%s) AND {{by}} <> ''{{more}}
ORDER BY {{by}}, at_ns DESC, run DESC"""  # noqa: S608 - made of constants
_DROP = "DELETE FROM {table} WHERE tenant = %s AND run = %s"


class PostgresRuns:
    """Outcomes in two tables."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def put(self, run: str, outcomes: Sequence[Outcome], *, tenant: str) -> None:
        """Write outcomes in one transaction; one that is there is replaced."""
        # All writers come in one order, so that none waits for one that waits for it.
        latest = sorted({(each.case, each.trial): each for each in outcomes}.items())
        rows = [(tenant, run, *row(each)) for _, each in latest]
        packed = [
            (tenant, run, *place, body)
            for (place, _), body in zip(latest, bodies(each for _, each in latest), strict=True)
        ]

        def work(raw: Raw) -> None:
            raw.cursor().executemany(_PUT, rows)
            raw.cursor().executemany(_PUT_BODY, packed)

        if rows:
            await self._database.change(work)

    async def figures(self, run: str, tenant: str) -> Figures:
        """Return the figures of all outcomes."""
        return figures_of(await self._rows(_READ, (tenant, run)))

    async def find(self, run: str, places: Sequence[Place], *, tenant: str) -> list[Outcome]:
        """Return outcomes whole, in the order asked for."""
        cases, trials = [case for case, _ in places], [trial for _, trial in places]
        return _whole(await self._rows(_WANTED, (cases, trials, tenant, run)))

    async def page(self, run: str, *, tenant: str, after: Place | None = None, limit: int = 100) -> list[Outcome]:
        """Return outcomes whole, from behind a place."""
        case, trial = after or ("", -1)
        return _whole(await self._rows(_PAGE, (tenant, run, case, trial, limit)))

    async def known(self, keys: Sequence[str], *, tenant: str) -> dict[str, Outcome]:
        """Return the latest answered outcome of each content key."""
        found: dict[str, Outcome] = {}
        for by, more in (("key", " AND state = 'answered'"), ("asked", "")):
            for each in _whole(await self._rows(_KNOWN.format(by=by, more=more), (tenant, list(keys)))):
                key = each.key if by == "key" else each.asked
                if key not in found or found[key].at_ns < each.at_ns:
                    found[key] = each
        return found

    async def delete(self, run: str, tenant: str) -> int:
        """Remove the outcomes of a run; return how many."""

        def work(raw: Raw) -> int:
            raw.execute(_DROP.format(table="outcome_bodies"), (tenant, run))
            return raw.execute(_DROP.format(table="outcomes"), (tenant, run)).rowcount

        return await self._database.change(work)

    async def _rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return await self._database.look(lambda raw: raw.execute(query, values).fetchall())


def _whole(rows: Sequence[tuple[Any, ...]]) -> list[Outcome]:
    return [outcome_of(each[:-1], each[-1]) for each in rows]
