"""The tables of `knowledge.db`."""

# A document keeps its number over its versions; numbers of documents, builds and chunks are never used twice, so that what
# a process remembers of a removed one can never be taken for another. A document's text lies in blocks: a passage
# is read without the rest. `changes` has, of each document, when it was changed last in a build: an image that has seen
# all up to some `seq` is brought up to date by those after it. `images` has the ids of the images that were saved beside
# this file, so that one of another file, or of a later state than a restored backup, is told from ours.
SCRIPTS = (
    """
CREATE TABLE collections (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, app TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (tenant, app, name)
);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL,
    uri TEXT NOT NULL, version TEXT NOT NULL, raw TEXT NOT NULL, read_ns INTEGER NOT NULL, access TEXT NOT NULL,
    facts TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (collection, id)
);
CREATE TABLE texts (
    document INTEGER NOT NULL, block INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (document, block)
);
CREATE TABLE removed (
    collection INTEGER NOT NULL, id TEXT NOT NULL, removed_ns INTEGER NOT NULL,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
CREATE TABLE builds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, collection INTEGER NOT NULL,
    manifest BLOB NOT NULL, state TEXT NOT NULL, created_ns INTEGER NOT NULL, switched_ns INTEGER NOT NULL,
    documents INTEGER NOT NULL, chunks INTEGER NOT NULL, snapshot BLOB NOT NULL, learnt TEXT NOT NULL
);
CREATE INDEX builds_by_collection ON builds (collection);
CREATE TABLE cuts (
    build INTEGER NOT NULL, document INTEGER NOT NULL, version TEXT NOT NULL, chunks INTEGER NOT NULL,
    PRIMARY KEY (build, document)
) WITHOUT ROWID;
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, build INTEGER NOT NULL, document INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, parent_start INTEGER, parent_end INTEGER, digest BLOB NOT NULL,
    context TEXT NOT NULL, terms BLOB NOT NULL, counts BLOB NOT NULL, vector BLOB NOT NULL
);
CREATE INDEX chunks_by_document ON chunks (build, document);
CREATE INDEX chunks_by_digest ON chunks (digest);
CREATE TABLE changes (
    build INTEGER NOT NULL, document INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (build, document)
) WITHOUT ROWID;
CREATE INDEX changes_by_seq ON changes (build, seq);
CREATE TABLE clock (seq INTEGER NOT NULL);
INSERT INTO clock VALUES (0);
CREATE TABLE images (id TEXT NOT NULL PRIMARY KEY, build INTEGER NOT NULL) WITHOUT ROWID;
""",
    # An edge is found from both its ends, which stand as they are compared in `source` and `target`.
    """
CREATE TABLE relations (
    number INTEGER PRIMARY KEY, build INTEGER NOT NULL, document INTEGER NOT NULL, source TEXT NOT NULL,
    target TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, object TEXT NOT NULL, inverse TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL
);
CREATE INDEX relations_by_source ON relations (build, source);
CREATE INDEX relations_by_target ON relations (build, target);
CREATE INDEX relations_by_document ON relations (build, document);
""",
    # The rows of a table lie apart from what a question is held against first.
    """
CREATE TABLE tables (
    document INTEGER NOT NULL, place INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (document, place)
);
""",
)
