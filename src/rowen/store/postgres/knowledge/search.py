"""What a build finds: the nearest vectors, and the chunks that fit words best; filtered inside the search."""

from array import array
from collections.abc import Mapping

from rowen.store.knowledge import Hit
from rowen.store.postgres.database import Raw
from rowen.store.postgres.knowledge.filters import Clause
from rowen.store.postgres.knowledge.rows import Held
from rowen.store.postgres.knowledge.vectors import by_signs, index_of, see_vectors, type_of, written
from rowen.store.scan.rarity import ABOVE, K1, B, most, rarity

EXACT = 20_000
"""Chunks: up to so many that may be found, each is looked at; above, the HNSW index is walked."""

_WIDER = 16  # candidates by differing signs for each that is wanted
_LEAST = 1_000  # but no fewer than these
_SEEN = 200_000  # rows of the index that a walk looks at before it gives up and each is looked at after all

_FILTERED = "JOIN documents d ON d.number = v.document WHERE {}"
_COUNT = """SELECT coalesce(sum(chunks), 0) FROM (
    SELECT c.chunks FROM cuts c JOIN documents d ON d.number = c.document WHERE c.build = %s AND c.chunks > 0 AND {} LIMIT %s
) AS enough"""
# A sum is no order that an index gives: so the rows that may be found are looked at one by one.
_EACH = "SELECT v.chunk, {distance} + 0, {shown} FROM {table} v {filtered} ORDER BY 2, 1 LIMIT %s"
_WALK = "SELECT v.chunk, {distance}, {shown} FROM {table} v {filtered} ORDER BY {distance} LIMIT %s"

_FOUND = "SELECT term, count(*) FROM {} WHERE term = ANY(%s) GROUP BY term"
_LEXICAL = """
WITH hit AS MATERIALIZED (
    SELECT v.chunk, v.document, v.term, v.length, v.often::float8 AS often, asked.weight
    FROM unnest(%s::int[], %s::float8[]) AS asked (term, weight) JOIN {table} v USING (term) {filtered}
), own AS (
    SELECT chunk, document, sum(weight * often / (often + %s::float8 + %s::float8 * length)) AS score
    FROM hit GROUP BY chunk, document
), above AS (
    SELECT together.document, sum(weight * often / (often + %s::float8 + %s::float8 * c.length)) AS score
    FROM (SELECT document, term, weight, sum(often) AS often FROM hit GROUP BY document, term, weight) AS together
    JOIN cuts c ON c.build = %s AND c.document = together.document GROUP BY together.document
)
SELECT chunk, %s::float8 * (own.score + %s::float8 * above.score) AS score
FROM own JOIN above USING (document) ORDER BY score DESC, chunk LIMIT %s
"""


def dense(raw: Raw, held: Held, vector: bytes, may: Clause | None, limit: int, *, exact: int = EXACT) -> list[Hit]:
    """Return the nearest chunks by cosine, best first.

    Args:
        raw: a transaction.
        held: the build.
        vector: of the question, float32, of length 1.
        may: what may be found.
        limit: how many.
        exact: up to how many chunks that may be found each is looked at.

    """
    shape = held.shape
    if not shape.dimensions or len(vector) != 4 * shape.dimensions or limit < 1:
        return []
    see_vectors(raw)
    signs = shape.storage == "binary"
    wanted = max(_LEAST, limit * _WIDER) if signs else limit
    distance = f"(v.embedding {'<~>' if signs else '<#>'} %s::{type_of(shape)})"
    parts = {
        "distance": distance,
        "shown": "v.embedding::text" if signs else "''",
        "table": f"vectors_{held.number}",
        "filtered": _FILTERED.format(may[0]) if may else "",
    }
    asked, values = written(vector, shape), may[1] if may else ()
    there = _there(raw, held, may, exact)
    rows = []
    if there > exact and index_of(shape):
        for name, setting in _walking(wanted).items():
            raw.execute("SELECT set_config(%s, %s, true)", (name, setting))
        rows = raw.execute(_WALK.format(**parts), (asked, *values, asked, wanted)).fetchall()
    if len(rows) < min(wanted, there):
        rows = raw.execute(_EACH.format(**parts), (asked, *values, wanted)).fetchall()
    if signs:
        numbers = array("f", vector).tolist()
        hits = [Hit(chunk, by_signs(numbers, shown)) for chunk, _, shown in rows]
    else:
        hits = [Hit(chunk, -negative) for chunk, negative, _ in rows]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk))[:limit]


def lexical(raw: Raw, held: Held, asked: Mapping[int, float], may: Clause | None, limit: int) -> list[Hit]:
    """Return the chunks that fit the terms best by BM25, with a part of their documents', best first."""
    if limit < 1 or not asked or not held.build.chunks:
        return []
    table = f"postings_{held.number}"
    kept = {signed(term): weight for term, weight in asked.items()}
    found: dict[int, int] = dict(raw.execute(_FOUND.format(table), (list(kept),)).fetchall())
    weights = rarity(kept, found, held.build.chunks)
    if not weights:
        return []
    query = _LEXICAL.format(table=table, filtered=_FILTERED.format(may[0]) if may else "")
    means = (max(1.0, held.length / held.build.chunks), max(1.0, held.length / held.filled))
    own, above = ((K1 * (1 - B), K1 * B / mean) for mean in means)
    values = (list(weights), list(weights.values()), *(may[1] if may else ()), *own, *above, held.number)
    rows = raw.execute(query, (*values, K1 + 1, ABOVE, limit))
    highest = most(weights)
    return [Hit(chunk, score, highest) for chunk, score in rows]


def signed(term: int) -> int:
    """Return a term, which has 32 bits, as PostgreSQL's integers have them."""
    return term - (term >> 31 << 32)


def _there(raw: Raw, held: Held, may: Clause | None, enough: int) -> int:
    """Return how many chunks may be found; of more than enough, enough to know that."""
    if may is None or held.build.chunks <= enough:
        return held.build.chunks if may is None else min(enough, held.build.chunks)
    (count,) = raw.execute(_COUNT.format(may[0]), (held.number, *may[1], enough + 1)).fetchone() or (0,)
    return int(count)


def _walking(wanted: int) -> dict[str, str]:
    # Relaxed order finds more, and the order is made here. Without sorts the planner can but walk the index.
    return {
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.ef_search": str(min(1_000, max(200, 2 * wanted))),
        "hnsw.max_scan_tuples": str(_SEEN),
        "hnsw.scan_mem_multiplier": "16",
        "enable_sort": "off",
    }
