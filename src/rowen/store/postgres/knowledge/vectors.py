"""pgvector: whether it is there, and vectors as it has them.

`float32` is a `vector`, `float16` and `int8` are a `halfvec` (pgvector has no eighths), `binary` is a `bit`.
https://github.com/pgvector/pgvector
"""

import re
from array import array
from collections.abc import Sequence
from itertools import compress
from math import sqrt
from typing import Any

from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from rowen.store.postgres.database import Raw
from rowen.store.scan.base import Shape
from rowen.values import Mistaken

_LEAST = (0, 8)  # has iterative scans: without them a search that is filtered finds too little
_INDEXED = {"vector": 2_000, "halfvec": 4_000, "bit": 64_000}  # dimensions that HNSW takes
_OPERATORS = {"vector": "vector_ip_ops", "halfvec": "halfvec_ip_ops", "bit": "bit_hamming_ops"}

_FOUND = """SELECT n.nspname, e.extversion FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'vector'"""
_OFFERED = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
_NUMBERS = bytes.maketrans(b"01", b"\0\1")


def need_vectors(raw: Raw) -> None:
    """See to it that pgvector is in the database, and let the rest of the transaction see its types.

    Raises:
        Mistaken: `extra_missing` where it is not, or is too old, with what to run.

    """
    if raw.execute(_FOUND).fetchone() is None:
        _make(raw)
    _, version = raw.execute(_FOUND).fetchone() or ("", "0")
    if _parts(version) < _LEAST:
        raise _missing(raw, f"the database has pgvector {version}: run `ALTER EXTENSION vector UPDATE`")
    see_vectors(raw)


def see_vectors(raw: Raw) -> None:
    """Let the rest of the transaction see pgvector's types, in whatever schema they are."""
    found = raw.execute(_FOUND).fetchone()
    if found:
        raw.execute(
            SQL("SELECT set_config('search_path', current_schema() || ', ' || %s, true)"), (_quoted(raw, found[0]),)
        )


def type_of(shape: Shape) -> str:
    """Return the type of a build's vectors."""
    return f"{_name(shape)}({shape.dimensions})"


def index_of(shape: Shape) -> str:
    """Return the class of operators of a build's index; empty where pgvector can index no vectors of that length."""
    name = _name(shape)
    return _OPERATORS[name] if shape.dimensions <= _INDEXED[name] else ""


def written(vector: bytes, shape: Shape) -> str:
    """Return a float32 vector as pgvector reads it."""
    numbers = array("f", vector)
    if shape.storage == "binary":
        return "".join("1" if each > 0 else "0" for each in numbers)
    return f"[{','.join(f'{each:.9g}' for each in numbers)}]"


def read_as(shape: Shape) -> str:
    """Return the expression that `float32` reads."""
    return "embedding::text" if shape.storage == "binary" else "embedding::vector::real[]"


def float32(stored: Any, shape: Shape) -> bytes:
    """Return what `read_as` gave as a float32 vector; that of `binary` has length 1 again."""
    if shape.storage != "binary":
        return array("f", stored).tobytes()
    one = 1 / sqrt(shape.dimensions)
    return array("f", [one if each == "1" else -one for each in stored]).tobytes()


def by_signs(question: Sequence[float], stored: str) -> float:
    """Return the cosine of a question of length 1 with a vector of which the signs were kept, as `01…`."""
    positive = sum(compress(question, stored.encode().translate(_NUMBERS)))
    return (2 * positive - sum(question)) / sqrt(len(question))


def _name(shape: Shape) -> str:
    match shape.storage:
        case "float32":
            return "vector"
        case "float16" | "int8":
            return "halfvec"
        case "binary":
            return "bit"


def _make(raw: Raw) -> None:
    offered = raw.execute(_OFFERED).fetchone()
    if offered is None:
        raise _missing(raw, "install it on the server (`apt install postgresql-18-pgvector`, or as its README says)")
    try:
        raw.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
    except InsufficientPrivilege:
        raise _missing(raw, "") from None


def _missing(raw: Raw, first: str) -> Mistaken:
    database = raw.info.dbname
    least = ".".join(map(str, _LEAST))
    then = f'run `CREATE EXTENSION vector SCHEMA public` in the database "{database}" as its owner or a superuser'
    steps = first if "ALTER" in first else ", then ".join(filter(None, (first, then)))
    return Mistaken("extra_missing", f"vectors in PostgreSQL need pgvector {least} or newer: {steps}", place="store")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _quoted(raw: Raw, name: str) -> str:
    return Identifier(name).as_string(raw)
