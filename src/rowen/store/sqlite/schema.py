"""The tables of `traces.db`, and the way to them from earlier shapes."""

FIRST = (
    """
CREATE TABLE traces (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE, started_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, first_ns INTEGER,
    app TEXT NOT NULL, definition TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,
    session TEXT NOT NULL, feature TEXT NOT NULL, door TEXT NOT NULL, model TEXT NOT NULL, deployment TEXT NOT NULL,
    provider TEXT NOT NULL, answered_by TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
    streamed INTEGER NOT NULL, attempts INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, estimated INTEGER NOT NULL, cost TEXT, waste TEXT NOT NULL,
    asked TEXT NOT NULL, said TEXT NOT NULL
);
CREATE INDEX traces_by_start ON traces (started_ns);
CREATE INDEX traces_by_tenant ON traces (tenant, id);
CREATE INDEX traces_by_key ON traces (key, id) WHERE key <> '';
CREATE INDEX traces_by_user ON traces (user, id) WHERE user <> '';
CREATE INDEX traces_by_session ON traces (session, id) WHERE session <> '';
CREATE INDEX traces_not_ok ON traces (status, id) WHERE status <> 'ok';
CREATE TABLE bodies (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE rollups (
    kind TEXT NOT NULL, start_ns INTEGER NOT NULL, tenant TEXT NOT NULL, app TEXT NOT NULL,
    model TEXT NOT NULL, deployment TEXT NOT NULL, provider TEXT NOT NULL, feature TEXT NOT NULL,
    status TEXT NOT NULL, code TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,
    calls INTEGER NOT NULL, failed INTEGER NOT NULL, refused INTEGER NOT NULL, cached INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    cost TEXT NOT NULL, waste TEXT NOT NULL, durations BLOB NOT NULL, firsts BLOB NOT NULL,
    PRIMARY KEY (kind, start_ns, tenant, app, model, deployment, provider, feature, status, code, key, user)
) WITHOUT ROWID;
""",
    """
ALTER TABLE traces ADD COLUMN origin TEXT NOT NULL DEFAULT 'call';
ALTER TABLE traces ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN environment TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN release TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE traces ADD COLUMN within TEXT NOT NULL DEFAULT '';
ALTER TABLE traces ADD COLUMN spans INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN failed_spans INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN complete INTEGER NOT NULL DEFAULT 1
""",
)
"""The shapes of earlier days."""

SET_ASIDE = """
DROP TABLE rollups;
DROP INDEX traces_by_start;
DROP INDEX traces_by_tenant;
DROP INDEX traces_by_key;
DROP INDEX traces_by_user;
DROP INDEX traces_by_session;
DROP INDEX traces_not_ok;
ALTER TABLE traces RENAME TO earlier_traces;
ALTER TABLE bodies RENAME TO earlier_bodies
"""

DROP_ASIDE = """
DROP TABLE earlier_traces;
DROP TABLE earlier_bodies
"""

WHATS = (
    "tenant", "origin", "app", "definition", "door", "model", "deployment", "provider", "source", "status", "code",
    "feature", "environment", "release", "key",
)  # fmt: skip
"""What many traces have in common: kept once, under a number that each of them bears."""

PLACES = (
    "tenant", "app", "environment", "release", "type", "name", "kind", "model", "provider", "prompt", "status", "code",
)  # fmt: skip
"""What many spans have in common."""

TRACES = (
    "id", "started_ns", "duration_ns", "first_ns", "name", "user", "session", "answered_by", "streamed",
    "attempts", "input_tokens", "output_tokens", "estimated", "cost", "waste", "tags", "within", "spans",
    "failed_spans", "complete", "asked", "said",
)  # fmt: skip
"""The other fields of a trace's row, each a column."""

SPANS = (
    "id", "parent", "started_ns", "duration_ns", "first_ns", "tags", "input_tokens", "output_tokens", "cached_tokens",
    "reasoning_tokens", "cost",
)  # fmt: skip
"""The other fields of a span's row that have columns."""

PACKED = ("session", "user", "feature", "input", "output")
"""Those that are in its pack: what the span itself said of the first three, which its trace may have otherwise."""

UNPACKED = """
DROP INDEX spans_by_place;
DROP TABLE texts;
ALTER TABLE spans RENAME TO earlier_spans;
ALTER TABLE span_bodies RENAME TO earlier_span_bodies
"""

DROP_UNPACKED = """
DROP TABLE earlier_spans;
DROP TABLE earlier_span_bodies
"""

# Money of a day is a number of nanodollars and a number of attodollars to add to them, so that sums are whole numbers.
# A span's number is made of its start, so that the newest are those of the highest number, in the full text too, where
# a search reads no more than it shows. `own` tells the spans of calls through Rowen: 1 has the call's texts, 2 has not.
#
# The bodies of spans that came together for one trace are compressed together: what one of them says, the next says
# again. A span knows its pack and its place there; a call's own spans have none. A pack lies in short
# pieces, since whole ones would leave a part of nearly every page empty. The full text knows which spans have a
# word, but not where in them: places would take as much again as all else there, and only phrases need them, which are
# looked for in what the words find.
OF_SPANS = """
CREATE TABLE spans (
    number INTEGER PRIMARY KEY, trace INTEGER NOT NULL, place INTEGER NOT NULL, own INTEGER NOT NULL,
    pack INTEGER NOT NULL, at INTEGER NOT NULL,
    id TEXT NOT NULL, parent TEXT NOT NULL, started_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,
    first_ns INTEGER, tags TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, cost TEXT,
    UNIQUE (trace, id)
);
CREATE INDEX spans_by_place ON spans (place);
CREATE TABLE packs (number INTEGER PRIMARY KEY, piece BLOB NOT NULL);
CREATE VIRTUAL TABLE texts USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'unicode61 remove_diacritics 2'
)
"""

NOW = (
    """
CREATE TABLE whats (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, origin TEXT NOT NULL, app TEXT NOT NULL,
    definition TEXT NOT NULL, door TEXT NOT NULL, model TEXT NOT NULL, deployment TEXT NOT NULL,
    provider TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL, feature TEXT NOT NULL,
    environment TEXT NOT NULL, release TEXT NOT NULL, key TEXT NOT NULL,
    UNIQUE (tenant, origin, app, definition, door, model, deployment, provider, source, status, code, feature,
        environment, release, key)
);
CREATE TABLE traces (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, what INTEGER NOT NULL,
    id TEXT NOT NULL, started_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, first_ns INTEGER,
    name TEXT NOT NULL, user TEXT NOT NULL, session TEXT NOT NULL, answered_by TEXT NOT NULL,
    streamed INTEGER NOT NULL, attempts INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, estimated INTEGER NOT NULL, cost TEXT, waste TEXT NOT NULL, tags TEXT NOT NULL,
    within TEXT NOT NULL, spans INTEGER NOT NULL, failed_spans INTEGER NOT NULL, complete INTEGER NOT NULL,
    asked TEXT NOT NULL, said TEXT NOT NULL,
    UNIQUE (id, tenant)
);
CREATE INDEX traces_by_start ON traces (started_ns);
CREATE INDEX traces_by_what ON traces (what, started_ns);
CREATE INDEX traces_by_user ON traces (user, started_ns) WHERE user <> '';
CREATE INDEX traces_by_session ON traces (session, started_ns) WHERE session <> '';
CREATE INDEX traces_by_within ON traces (within, started_ns) WHERE within <> '';
CREATE TABLE bodies (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE tellings (number INTEGER PRIMARY KEY, told BLOB NOT NULL);
CREATE TABLE places (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, app TEXT NOT NULL, environment TEXT NOT NULL,
    release TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL,
    provider TEXT NOT NULL, prompt TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
    UNIQUE (tenant, app, environment, release, type, name, kind, model, provider, prompt, status, code)
);
"""
    + OF_SPANS
    + """;
CREATE TABLE rollups (
    unit INTEGER NOT NULL, start_ns INTEGER NOT NULL, what INTEGER NOT NULL, sums BLOB NOT NULL,
    PRIMARY KEY (unit, start_ns, what)
) WITHOUT ROWID;
CREATE TABLE charts (
    tenant TEXT NOT NULL, unit INTEGER NOT NULL, "by" TEXT NOT NULL, start_ns INTEGER NOT NULL, app TEXT NOT NULL,
    name TEXT NOT NULL, sums BLOB NOT NULL,
    PRIMARY KEY (tenant, unit, "by", start_ns, app, name)
) WITHOUT ROWID;
CREATE TABLE day_costs (
    tenant TEXT NOT NULL, "by" TEXT NOT NULL, start_ns INTEGER NOT NULL, app TEXT NOT NULL, name TEXT NOT NULL,
    calls INTEGER NOT NULL, failed INTEGER NOT NULL, cached INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, unpriced INTEGER NOT NULL, nano INTEGER NOT NULL, atto INTEGER NOT NULL,
    waste_nano INTEGER NOT NULL, waste_atto INTEGER NOT NULL,
    PRIMARY KEY (tenant, "by", start_ns, app, name)
) WITHOUT ROWID;
CREATE TABLE span_rollups (
    unit INTEGER NOT NULL, start_ns INTEGER NOT NULL, place INTEGER NOT NULL, sums BLOB NOT NULL,
    PRIMARY KEY (unit, start_ns, place)
) WITHOUT ROWID;
CREATE TABLE subjects (
    kind TEXT NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
    traces INTEGER NOT NULL, failed INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    unpriced INTEGER NOT NULL, cost TEXT NOT NULL,
    PRIMARY KEY (kind, name, tenant)
) WITHOUT ROWID;
CREATE INDEX subjects_by_last ON subjects (kind, last_ns);
CREATE TABLE day_marks (
    tenant TEXT NOT NULL, start_ns INTEGER NOT NULL, count INTEGER NOT NULL, changes INTEGER NOT NULL,
    PRIMARY KEY (tenant, start_ns)
) WITHOUT ROWID;
CREATE TABLE sweeps (count INTEGER NOT NULL);
INSERT INTO sweeps VALUES (0)
"""
)
