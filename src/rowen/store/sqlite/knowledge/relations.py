"""The graph of a build: which relations a name has, and in which chunks they are told."""

import sqlite3
from collections.abc import Sequence

import msgspec

from rowen.store.facts import meets, readable
from rowen.store.knowledge import Tie
from rowen.store.sqlite.knowledge.rows import Held, groups
from rowen.values import Condition, Reader, Relation

_LISTED = 200  # names of one statement

_RELATED = """
SELECT r.number, r.document, r.subject, r.name, r.object, r.inverse, r.start, r.end, d.id, d.access, d.facts
FROM relations r JOIN documents d ON d.number = r.document
WHERE r.build = ? AND (r.source IN ({0}) OR r.target IN ({0})) ORDER BY r.number
"""
_TOLD = "SELECT number FROM chunks WHERE build = ? AND document = ? AND start <= ? AND end > ? ORDER BY number"


def related(
    connection: sqlite3.Connection,
    held: Held,
    names: Sequence[str],
    reader: Reader,
    where: Sequence[Condition],
    limit: int,
) -> list[Tie]:
    """Return the relations that have one of the names, as they are compared, at either end."""
    if held.build.collection.tenant != reader.tenant or not names or limit < 1:
        return []
    found: dict[int, tuple[int, Relation, str]] = {}
    for at in range(0, len(names), _LISTED):
        some = names[at : at + _LISTED]
        asked = _RELATED.format(", ".join("?" * len(some)))
        for row in connection.execute(asked, (held.number, *some, *some)):
            number, document, subject, name, thing, inverse, start, end, id, access, facts = row
            if not readable(groups(access), reader):
                continue
            if where and not all(meets(msgspec.json.decode(facts), each) for each in where):
                continue
            relation = Relation(subject=subject, name=name, object=thing, inverse=inverse, start=start, end=end)
            found[number] = (document, relation, id)
    ties = []
    for number in sorted(found)[:limit]:
        document, relation, id = found[number]
        chunks = connection.execute(_TOLD, (held.number, document, relation.start, relation.start))
        ties.append(Tie(relation, id, tuple(chunk for (chunk,) in chunks)))
    return ties
