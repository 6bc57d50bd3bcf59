"""The query adapter: a linear map of the question's vector that was learnt from judged questions; documents stay as they are.

A question that is like none it learnt from is left as it is: the map is blended in by how near the nearest of them is. So
what was learnt helps where it applies, and documents that nobody ever asked for are found as before. Where it applies, the
vectors know more than the words do, so their share in the fusion grows by as much.
"""

import base64
import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

import msgspec

from rowen.values import Embed, Embeddings, Mistaken, Value

SHARPNESS = 0.05
"""The cosine over which the blend goes from a quarter to three quarters, nearly."""


class Adapter(Value, frozen=True, kw_only=True):
    """What was learnt, and for which vectors. Written as one JSON file beside the `app.toml`."""

    fingerprint: str
    """Of the embedder whose vectors it maps; it fits no other."""
    dimensions: int
    gate: float
    """Cosine to the nearest judged question at which half of the map is blended in."""
    matrix: str
    """What is added to a vector `q` is `q @ matrix`: float16, little-endian, row by row, base64."""
    anchors: str
    """The vectors of the judged questions, as int8 of 1/127, base64."""
    share: float | None = None
    """Of the fusion with the words, where the map is blended in wholly; None: what the index has for all questions."""
    about: dict[str, str] = {}
    """How it was made, for people."""

    @classmethod
    def read(cls, text: str, place: str = "adapter") -> "Adapter":
        """Return the adapter of a file.

        Raises:
            Mistaken: `config_invalid`.

        """
        try:
            found = msgspec.json.decode(text, type=cls)
            size = len(base64.b64decode(found.matrix, validate=True))
            rest = len(base64.b64decode(found.anchors, validate=True)) % max(1, found.dimensions)
        except (msgspec.DecodeError, ValueError) as error:
            raise Mistaken("config_invalid", f"this is no adapter: {error}", place=place) from error
        if size != 2 * found.dimensions**2 or rest:
            raise Mistaken("config_invalid", "the adapter's numbers are not as many as it says", place=place)
        return found


class Adapted:
    """An embedder whose questions go through an adapter.

    Args:
        embed: the embedder.
        adapter: what was learnt on its vectors.

    Raises:
        Mistaken: `config_invalid` when it was learnt on those of another embedder; `extra_missing` without NumPy.

    """

    def __init__(self, embed: Embed, adapter: Adapter) -> None:
        if adapter.fingerprint != embed.fingerprint:
            message = (
                f"the adapter was made for {adapter.fingerprint!r} and the vectors are of {embed.fingerprint!r}: "
                "make it again with `rowen tune --adapter`"
            )
            raise Mistaken("config_invalid", message, place="adapter")
        self._embed = embed
        self._np = numpy()
        size = adapter.dimensions
        self._matrix = self._np.frombuffer(base64.b64decode(adapter.matrix), "<f2").reshape(size, size).astype("f4")
        anchors = self._np.frombuffer(base64.b64decode(adapter.anchors), "i1").reshape(-1, size).astype("f4")
        self._anchors = unit(self._np, anchors)
        self._gate, self._share = adapter.gate, adapter.share

    @property
    def fingerprint(self) -> str:
        """That of the documents' vectors, which it does not change."""
        return self._embed.fingerprint

    async def __call__(self, texts: Sequence[str], *, role: Literal["query", "document"] = "document") -> Embeddings:
        made = await self._embed(texts, role=role)
        if role == "document" or not texts:
            return made
        vectors = self._np.frombuffer(made.data, "<f4").reshape(len(texts), -1)
        blend = blended(self._np, vectors, self._anchors, self._gate)
        mapped = adapted(self._np, vectors, self._matrix, blend)
        return made._replace(data=mapped.astype("<f4").tobytes(), applies=tuple(blend.tolist()), share=self._share)


def blended(np: Any, vectors: Any, anchors: Any, gate: float) -> Any:
    """Return how much of a map is blended in for each question, 0 to 1.

    Args:
        np: NumPy.
        vectors: (questions, dimensions), each of length 1.
        anchors: (judged questions, dimensions), each of length 1.
        gate: cosine to the nearest of them at which it is half; below 0 it always is whole.

    """
    if gate < 0:
        return np.ones(len(vectors))
    nearest = (vectors @ anchors.T).max(axis=1, initial=-1.0)
    return 1.0 / (1.0 + np.exp(-(nearest - gate) / SHARPNESS))


def adapted(np: Any, vectors: Any, matrix: Any, blend: Any) -> Any:
    """Return mapped vectors, each of length 1."""
    return unit(np, vectors + blend[:, None] * (vectors @ matrix))


def packed(
    np: Any,
    matrix: Any,
    anchors: Any,
    *,
    fingerprint: str,
    gate: float,
    share: float | None = None,
    about: dict[str, str],
) -> Adapter:
    """Return an adapter of its numbers."""
    small = np.clip(np.rint(anchors * 127), -127, 127).astype("i1")
    return Adapter(
        fingerprint=fingerprint,
        dimensions=int(matrix.shape[0]),
        gate=gate,
        share=share,
        matrix=base64.b64encode(matrix.astype("<f2").tobytes()).decode(),
        anchors=base64.b64encode(small.tobytes()).decode(),
        about=about,
    )


def unit(np: Any, rows: Any) -> Any:
    """Return rows of length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), math.ulp(1.0))


def numpy() -> Any:
    """Return NumPy.

    Raises:
        Mistaken: `extra_missing`.

    """
    try:
        return import_module("numpy")
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", "adapters need `pip install rowen[rag]`", place="adapter") from error
