"""What is written of documents and their cuts. Each function runs inside a transaction that has its collection alone."""

from collections.abc import Iterable, Sequence

from rowen.store.blocks import blocks_of, head_bytes
from rowen.store.cutting import Made, made, mark_of, tied
from rowen.store.facts import facts_of
from rowen.store.knowledge import Collection, Cut
from rowen.store.postgres.database import Raw
from rowen.store.postgres.knowledge.filters import facts_json
from rowen.store.postgres.knowledge.rows import Held, collection_at, held_builds
from rowen.store.postgres.knowledge.search import signed
from rowen.store.postgres.knowledge.vectors import see_vectors, written
from rowen.store.postgres.rows import plain
from rowen.store.tabled import written as written_tables
from rowen.values import Document, Mistaken

_COLLECTION = "INSERT INTO collections (tenant, app, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_COLUMNS = "source, uri, version, raw, read_ns, access, facts, body"
_INSERT = f"""INSERT INTO documents (collection, id, {_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING number"""  # noqa: S608 - made of constants
_UPDATE = f"UPDATE documents SET ({_COLUMNS}) = (%s, %s, %s, %s, %s, %s, %s, %s) WHERE number = %s"  # noqa: S608
_NUMBERS = "SELECT nextval('chunk_numbers') FROM generate_series(1, %s)"
_CHUNKS = """COPY chunks
(number, build, document, first, past, parent_first, parent_past, digest, context) FROM STDIN"""
_RELATIONS = """COPY relations
(build, document, source, target, subject, name, object, inverse, first, past) FROM STDIN"""
_COUNT = """UPDATE builds SET documents = documents + %s, filled = filled + %s, chunks = chunks + %s, length = length + %s,
snapshot = %s WHERE number = %s"""


def alone(raw: Raw, collection: Collection) -> int:
    """Return the number of a collection, made if it is not there; until the transaction ends nobody else changes it."""
    number = collection_at(raw, collection)
    if not number:
        raw.execute(_COLLECTION, (plain(collection.tenant), plain(collection.app), plain(collection.name)))
        number = collection_at(raw, collection)
    hold(raw, number)
    return number


def hold(raw: Raw, collection: int) -> None:
    """Wait until nobody else changes a collection, and keep others waiting until the transaction ends."""
    raw.execute("SELECT FROM collections WHERE number = %s FOR UPDATE", (collection,))


def write_document(raw: Raw, collection: Collection, document: Document, cuts: Sequence[Cut]) -> None:
    """Put a document and its cuts in place of what was there."""
    where = alone(raw, collection)
    known = _known(raw, where, document.id)
    columns = (
        plain(document.source),
        plain(document.uri),
        plain(document.version),
        plain(document.raw),
        document.read_ns,
        [plain(each) for each in document.access],
        facts_json(facts_of(document)),
        head_bytes(document),
    )
    if known is None:
        (number,) = raw.execute(_INSERT, (where, plain(document.id), *columns)).fetchone() or (0,)
        raw.execute("DELETE FROM removed WHERE collection = %s AND id = %s", (where, plain(document.id)))
    else:
        number = known[0]
        raw.execute(_UPDATE, (*columns, number))
    changed = known is None or known[1] != plain(document.version)
    if changed:
        raw.execute("DELETE FROM texts WHERE document = %s", (number,))
        blocks = [(number, at, block) for at, block in enumerate(blocks_of(document.text))]
        raw.cursor().executemany("INSERT INTO texts VALUES (%s, %s, %s)", blocks)
        raw.execute("DELETE FROM tables WHERE document = %s", (number,))
        tables = [(number, *each) for each in written_tables(document)]
        raw.cursor().executemany("INSERT INTO tables VALUES (%s, %s, %s, %s)", tables)
    given = {cut.build: cut for cut in cuts}
    for build in held_builds(raw, where):
        cut = given.pop(build.build.id, None)
        if cut is not None:
            put_cut(raw, build, number, document, cut)
        elif changed:
            drop_cut(raw, build, number, document.id)
    if given:
        message = f"the build {next(iter(given))} is not one of this collection"
        raise Mistaken("not_found", message, place="build")


def put_cut(raw: Raw, build: Held, number: int, document: Document, cut: Cut) -> None:
    """Put a document's cut in place of the one that a build had."""
    drop_cut(raw, build, number, document.id)
    chunks = list(made(document, cut, build.build.manifest))
    length = sum(sum(each.bag.counts) for each in chunks)
    _put_chunks(raw, build, number, chunks)
    _put_relations(raw, build.number, number, document, cut)
    raw.execute(
        "INSERT INTO cuts VALUES (%s, %s, %s, %s, %s)",
        (build.number, number, plain(document.version), len(chunks), length),
    )
    _counted(raw, build.number, 1, len(chunks), length, mark_of(document.id, document.version))


def drop_cut(raw: Raw, build: Held, number: int, id: str) -> None:
    """Remove a document's cut from a build."""
    had = raw.execute(
        "DELETE FROM cuts WHERE build = %s AND document = %s RETURNING version, chunks, length", (build.number, number)
    ).fetchone()
    if had is None:
        return
    for table in ("chunks", "relations"):
        raw.execute(f"DELETE FROM {table} WHERE build = %s AND document = %s", (build.number, number))  # noqa: S608 - our own names
    for table in ("postings", "vectors") if build.shape.dimensions else ("postings",):
        raw.execute(f"DELETE FROM {table}_{build.number} WHERE document = %s", (number,))  # noqa: S608 - a number
    _counted(raw, build.number, -1, -had[1], -had[2], mark_of(id, had[0]))


def remove_documents(raw: Raw, collection: Collection, ids: Iterable[str], now_ns: int) -> int:
    """Remove documents from everywhere; return how many there were."""
    where = alone(raw, collection)
    builds = held_builds(raw, where)
    count = 0
    for id in ids:
        known = _known(raw, where, id)
        if known is None:
            continue
        for build in builds:
            drop_cut(raw, build, known[0], id)
        raw.execute("DELETE FROM texts WHERE document = %s", (known[0],))
        raw.execute("DELETE FROM tables WHERE document = %s", (known[0],))
        raw.execute("DELETE FROM documents WHERE number = %s", (known[0],))
        raw.execute("INSERT INTO removed VALUES (%s, %s, %s)", (where, plain(id), now_ns))
        count += 1
    return count


def _known(raw: Raw, collection: int, id: str) -> tuple[int, str] | None:
    row = raw.execute(
        "SELECT number, version FROM documents WHERE collection = %s AND id = %s", (collection, plain(id))
    ).fetchone()
    return (row[0], row[1]) if row else None


def _put_chunks(raw: Raw, build: Held, document: int, chunks: Sequence[Made]) -> None:
    numbers = [number for (number,) in raw.execute(_NUMBERS, (len(chunks),))]
    numbered = list(zip(numbers, chunks, strict=True))
    cursor = raw.cursor()
    with cursor.copy(_CHUNKS) as copy:
        for number, each in numbered:
            chunk = each.chunk
            place = (chunk.start, chunk.end, *(chunk.parent or (None, None)))
            copy.write_row((number, build.number, document, *place, each.digest, plain(chunk.context)))
    with cursor.copy(f"COPY postings_{build.number} (chunk, document, term, length, often) FROM STDIN") as copy:
        for number, each in numbered:
            length = sum(each.bag.counts)
            for term, often in zip(each.bag.terms, each.bag.counts, strict=True):
                copy.write_row((number, document, signed(term), length, often))
    if build.shape.dimensions:
        see_vectors(raw)
        with cursor.copy(f"COPY vectors_{build.number} (chunk, document, embedding) FROM STDIN") as copy:
            for number, each in numbered:
                copy.write_row((number, document, written(each.vector, build.shape)))


def _put_relations(raw: Raw, build: int, number: int, document: Document, cut: Cut) -> None:
    rows = [
        (
            build,
            number,
            source,
            target,
            *map(plain, (each.subject, each.name, each.object, each.inverse)),
            each.start,
            each.end,
        )
        for each, source, target in tied(document, cut)
    ]
    if rows:
        with raw.cursor().copy(_RELATIONS) as copy:
            for row in rows:
                copy.write_row(row)


def _counted(raw: Raw, build: int, sign: int, chunks: int, length: int, mark: int) -> None:
    (snapshot,) = raw.execute("SELECT snapshot FROM builds WHERE number = %s", (build,)).fetchone() or (b"",)
    snapshot = (int.from_bytes(snapshot) ^ mark).to_bytes(16)
    raw.execute(_COUNT, (sign, sign if chunks else 0, chunks, length, snapshot, build))
