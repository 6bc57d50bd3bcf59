"""What a build keeps of a chunk beside its place: its terms, and what tells that its text was embedded already."""

from collections.abc import Iterator
from hashlib import blake2b, sha256
from typing import NamedTuple

import msgspec

from rowen.store.analyse import Bag, bag, way_of
from rowen.store.knowledge import Collection, Cut
from rowen.store.names import key_of
from rowen.values import Broken, Chunk, Document, Manifest, Relation

_encode = msgspec.json.Encoder(order="sorted").encode
_FINER = {"float32": 3, "float16": 2, "int8": 1, "binary": 0}


class Made(NamedTuple):
    """A chunk with all that is stored of it."""

    chunk: Chunk
    vector: bytes
    """float32; empty without an embedder."""
    bag: Bag
    digest: bytes


def build_id(collection: Collection, manifest: Manifest) -> str:
    """Return the id of the build of a manifest: the same for the same, so that a job which was killed finds it again."""
    return sha256(_encode([collection, manifest])).hexdigest()[:32]


def made(document: Document, cut: Cut, manifest: Manifest) -> Iterator[Made]:
    """Yield the chunks of a document as a build keeps them.

    Raises:
        Broken: when the vectors are not those of the chunks.

    """
    wide = 4 * manifest.dimensions if manifest.embedder else 0
    if len(cut.vectors) != wide * len(cut.chunks):
        message = f"{len(cut.chunks)} chunks came with {len(cut.vectors)} bytes of vectors, not {wide} each"
        raise Broken("broken", message, who="store")
    way = way_of(document.text, analyser=manifest.analyser, kind=document.kind, language=document.language)
    for at, chunk in enumerate(cut.chunks):
        said = chunk.said(document.text)
        yield Made(chunk, cut.vectors[at * wide : (at + 1) * wide], bag(said, way), digest_of(said))


def tied(document: Document, cut: Cut) -> Iterator[tuple[Relation, str, str]]:
    """Yield the relations of a cut with the keys of both their ends; one whose end has no letter or digit is none.

    Raises:
        Broken: when one does not lie in the document.

    """
    for relation in cut.relations:
        if not 0 <= relation.start < relation.end <= len(document.text):
            message = f"a relation lies at {relation.start} to {relation.end} of {len(document.text)} characters"
            raise Broken("broken", message, who="store")
        subject, thing = key_of(relation.subject), key_of(relation.object)
        if subject and thing:
            yield relation, subject, thing


def digest_of(said: str) -> bytes:
    """Return what tells a chunk's text from others."""
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def mark_of(document: str, version: str) -> int:
    """Return a document's part in the snapshot of a build, which is the parts of all of them with `^` between."""
    return int.from_bytes(blake2b(f"{document}\0{version}".encode(), digest_size=16).digest())


def as_fine(kept: Manifest, wanted: Manifest) -> bool:
    """Whether a build's vectors do for another: of the same embedder and length, and not kept less exactly."""
    return (
        kept.embedder == wanted.embedder
        and kept.dimensions == wanted.dimensions
        and _FINER[kept.storage] >= _FINER[wanted.storage]
    )
