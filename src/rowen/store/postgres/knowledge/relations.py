"""The graph of a build: which relations a name has, and in which chunks they are told."""

from collections.abc import Sequence

from rowen.store.knowledge import Tie
from rowen.store.postgres.database import Raw
from rowen.store.postgres.knowledge.filters import Clause
from rowen.store.postgres.knowledge.rows import Held
from rowen.store.postgres.rows import told
from rowen.values import Relation

_RELATED = """
SELECT r.subject, r.name, r.object, r.inverse, r.first, r.past, d.id, ARRAY(
    SELECT k.number FROM chunks k
    WHERE k.build = r.build AND k.document = r.document AND k.first <= r.first AND k.past > r.first ORDER BY k.number
)
FROM relations r JOIN documents d ON d.number = r.document
WHERE r.build = %s AND (r.source = ANY(%s) OR r.target = ANY(%s)) {} ORDER BY r.number LIMIT %s
"""


def related(raw: Raw, held: Held, names: Sequence[str], may: Clause | None, limit: int) -> list[Tie]:
    """Return the relations that have one of the names, as they are compared, at either end."""
    if not names or limit < 1:
        return []
    wanted = list(names)
    query = _RELATED.format(f"AND {may[0]}" if may else "")
    rows = raw.execute(query, (held.number, wanted, wanted, *(may[1] if may else ()), limit))
    return [
        Tie(
            Relation(
                subject=told(subject), name=told(name), object=told(thing), inverse=told(inverse), start=first, end=past
            ),
            told(id),
            tuple(chunks),
        )
        for subject, name, thing, inverse, first, past, id, chunks in rows
    ]
