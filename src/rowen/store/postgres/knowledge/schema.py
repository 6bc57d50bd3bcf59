"""The tables of knowledge: those of all builds, and two more for each build, which go with it."""

from rowen.store.postgres.database import Raw
from rowen.store.postgres.knowledge.vectors import index_of, type_of
from rowen.store.scan.base import Shape

# Numbers of documents, builds and chunks are never used twice. A document's text lies in blocks: a passage is read without
# the rest. A document's words, which count beside its chunks' own, are summed in the search; `length` is theirs.
SCRIPT = (
    """
CREATE TABLE collections (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant text COLLATE "C" NOT NULL, app text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    UNIQUE (tenant, app, name)
)
""",
    """
CREATE TABLE documents (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, collection bigint NOT NULL, id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL, uri text COLLATE "C" NOT NULL, version text COLLATE "C" NOT NULL, raw text NOT NULL,
    read_ns bigint NOT NULL, access text[] COLLATE "C" NOT NULL, facts jsonb NOT NULL, body bytea NOT NULL,
    UNIQUE (collection, id)
)
""",
    "CREATE TABLE texts (document bigint, block integer, body bytea NOT NULL, PRIMARY KEY (document, block))",
    """
CREATE TABLE removed (
    collection bigint, id text COLLATE "C", removed_ns bigint NOT NULL, PRIMARY KEY (collection, id)
)
""",
    """
CREATE TABLE builds (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, collection bigint NOT NULL,
    manifest bytea NOT NULL, state text NOT NULL, created_ns bigint NOT NULL, switched_ns bigint NOT NULL DEFAULT 0,
    documents bigint NOT NULL DEFAULT 0, filled bigint NOT NULL DEFAULT 0, chunks bigint NOT NULL DEFAULT 0,
    length bigint NOT NULL DEFAULT 0, snapshot bytea NOT NULL, learnt bytea NOT NULL
)
""",
    "CREATE INDEX builds_by_collection ON builds (collection)",
    """
CREATE TABLE cuts (
    build bigint, document bigint, version text COLLATE "C" NOT NULL, chunks bigint NOT NULL, length bigint NOT NULL,
    PRIMARY KEY (build, document)
)
""",
    "CREATE SEQUENCE chunk_numbers",
    """
CREATE TABLE chunks (
    number bigint PRIMARY KEY, build bigint NOT NULL, document bigint NOT NULL, first integer NOT NULL,
    past integer NOT NULL, parent_first integer, parent_past integer, digest bytea NOT NULL, context text NOT NULL
)
""",
    "CREATE INDEX chunks_by_document ON chunks (build, document)",
    "CREATE INDEX chunks_by_digest ON chunks (digest)",
)

RELATIONS = (
    # An edge is found from both its ends, which stand as they are compared in `source` and `target`.
    """
CREATE TABLE relations (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, build bigint NOT NULL, document bigint NOT NULL,
    source text COLLATE "C" NOT NULL, target text COLLATE "C" NOT NULL, subject text NOT NULL, name text NOT NULL,
    object text NOT NULL, inverse text NOT NULL, first integer NOT NULL, past integer NOT NULL
)
""",
    "CREATE INDEX relations_by_source ON relations (build, source)",
    "CREATE INDEX relations_by_target ON relations (build, target)",
    "CREATE INDEX relations_by_document ON relations (build, document)",
)

TABLES = (
    # The rows of a table lie apart from what a question is held against first.
    """
CREATE TABLE tables (
    document bigint, place integer, head bytea NOT NULL, body bytea NOT NULL, PRIMARY KEY (document, place)
)
""",
)

_INLINE = 7_000  # bytes of a vector that fit a page with all else: kept out of the row, each would cost a look-up


def make_build(raw: Raw, build: int, shape: Shape) -> None:
    """Make the tables of one build: its postings, and its vectors if it has any."""
    raw.execute(f"""CREATE TABLE postings_{build} (
    chunk bigint NOT NULL, document bigint NOT NULL, term integer NOT NULL, length integer NOT NULL, often smallint NOT NULL
)""")
    raw.execute(f"CREATE INDEX ON postings_{build} (term)")
    raw.execute(f"CREATE INDEX ON postings_{build} (document)")
    if not shape.dimensions:
        return
    raw.execute(f"""CREATE TABLE vectors_{build} (
    chunk bigint PRIMARY KEY, document bigint NOT NULL, embedding {type_of(shape)} NOT NULL
)""")
    if shape.dimensions * 4 <= _INLINE:
        raw.execute(f"ALTER TABLE vectors_{build} ALTER COLUMN embedding SET STORAGE PLAIN")
    raw.execute(f"CREATE INDEX ON vectors_{build} (document)")
    operators = index_of(shape)
    if operators:
        raw.execute(f"CREATE INDEX ON vectors_{build} USING hnsw (embedding {operators})")


def drop_build(raw: Raw, build: int) -> None:
    """Remove the tables of one build."""
    raw.execute(f"DROP TABLE IF EXISTS postings_{build}, vectors_{build}")
