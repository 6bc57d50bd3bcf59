"""What is in the archive: by SQL over its three tables, or as the traces, spans and scores that they were."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rowen.store.archive import engine
from rowen.store.archive.columns import TABLES, Family, empty, plain
from rowen.store.archive.folder import Folder
from rowen.store.archive.lines import Whole, as_score, as_span, as_trace
from rowen.store.archive.manifest import Manifest
from rowen.values import Broken, Mistaken, Observed, Score, Span, TraceRow, Value


class Found(Value, frozen=True, kw_only=True):
    """What a query gave."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False
    """Whether there were more rows than were asked for."""


class Reading:
    """Some days of the archive, opened for reading. Nothing else can be read through it, and nothing written.

    Args:
        folder: where the archive is.
        manifests: which days of which tenants.

    Raises:
        Broken: `store_corrupt` naming a file that is missing or has not its size.

    """

    def __init__(self, folder: Folder, manifests: Sequence[Manifest]) -> None:
        self._folder = folder
        self._manifests = manifests
        for manifest in manifests:
            damage = folder.damaged(manifest)
            if damage is not None:
                raise Broken("store_corrupt", damage, place=manifest.place)
        views = {str(table): _view(folder, manifests, table) for table in TABLES}
        with self._told():
            self._connection = engine.reading(views)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def query(self, query: str, *, limit: int) -> Found:
        """Return what a query over `traces`, `spans` and `scores` gives.

        Raises:
            Mistaken: `field_invalid` for what is not one reading query, or fails.
            Broken: `store_corrupt` naming a damaged file.

        """
        try:
            reads = engine.is_reading(query)
        except engine.failure() as error:
            raise Mistaken("field_invalid", f"the query is not SQL: {_said(error)}", place="query") from error
        if not reads:
            raise Mistaken("field_invalid", "the archive answers one SELECT, and nothing else", place="query")
        with self._told():
            found = self._connection.execute(query)
            columns = tuple(name for name, *_ in found.description or ())
            rows = found.fetchmany(limit + 1)
        return Found(columns=columns, rows=tuple(rows[:limit]), more=len(rows) > limit)

    def rows(self, condition: str, values: Sequence[Any], *, limit: int) -> list[TraceRow]:
        """Return the rows of the newest traces that a condition holds for."""
        query = (
            f"SELECT tenant, {plain('traces')} FROM traces WHERE {condition} "  # noqa: S608 - made of constants
            "ORDER BY traces.started DESC, traces.id DESC, tenant DESC LIMIT ?"
        )
        return [as_trace(found, tenant).row for tenant, *found in self._all(query, [*values, limit])]

    def wholes(self, ids: Sequence[str], tenant: str | None = None) -> Iterator[Whole]:
        """Yield traces by id with their spans; one that is spread over days, once for each of them."""
        of = "list_contains(?::VARCHAR[], {key})" + ("" if tenant is None else " AND tenant = ?")
        values: list[Any] = [list(ids)] if tenant is None else [list(ids), tenant]
        spans: dict[tuple[str, str, str], list[tuple[Observed, int | None]]] = {}
        query = (
            f"SELECT day::VARCHAR, tenant, {plain('spans')} FROM spans WHERE {of.format(key='trace')} ORDER BY spans.id"  # noqa: S608 - made of constants
        )
        for day, owner, *found in self._all(query, values):
            span, place = as_span(found, owner)
            spans.setdefault((day, owner, span.row.trace), []).append((span, place))
        query = f"SELECT day::VARCHAR, tenant, {plain('traces')} FROM traces WHERE {of.format(key='id')} ORDER BY day, tenant, traces.id"  # noqa: S608 - made of constants
        for day, owner, *found in self._all(query, values):
            trace = as_trace(found, owner)
            those = spans.get((day, owner, trace.row.id), [])
            own: list[tuple[int, Span]] = [(place, span.span) for span, place in those if place is not None]
            yield Whole(
                trace=trace.but(spans=tuple(span for _, span in sorted(own, key=lambda each: each[0]))),
                sent=tuple(span for span, place in those if place is None),
            )

    def scores(self, condition: str, values: Sequence[Any]) -> list[Score]:
        """Return the scores that a condition holds for, by when they were given."""
        query = f"SELECT tenant, {plain('scores')} FROM scores WHERE {condition} ORDER BY scores.created, scores.id"  # noqa: S608 - made of constants
        return [as_score(found, tenant) for tenant, *found in self._all(query, values)]

    def found(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a query of ours."""
        return list(self._all(query, values))

    def _all(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._told():
            return self._connection.execute(query, list(values)).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say whose fault a failure is: the file's, if one is not as it was written, else the query's."""
        try:
            yield
        except engine.failure() as error:
            suspects = self._manifests if engine.may_be_damage(error) else ()
            named = [each for each in suspects if each.place in str(error)]
            for manifest in named or suspects:
                damage = self._folder.damaged(manifest, whole=True)
                if damage is not None:
                    raise Broken("store_corrupt", damage, place=manifest.place) from error
            raise Mistaken("field_invalid", f"the query failed: {_said(error)}", place="query") from error


def _view(folder: Folder, manifests: Sequence[Manifest], table: Family) -> tuple[Sequence[str], str]:
    files = [file for manifest in manifests if (file := folder.address(manifest, table)) is not None]
    if not files:
        return [], empty(table)
    return files, (
        f"SELECT * REPLACE (coalesce(tenant, '') AS tenant) FROM read_parquet({engine.listed(files)}, "  # noqa: S608 - made of constants
        "hive_partitioning = true, hive_types = {'day': DATE, 'tenant': VARCHAR})"
    )


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
