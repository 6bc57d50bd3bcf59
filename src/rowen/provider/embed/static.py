"""Static vectors: one for each token, and the mean of them for a text. No network is run."""

from collections.abc import Sequence

import msgspec
import numpy as np
from tokenizers import Tokenizer

from rowen.provider.embed.base import Vectors
from rowen.provider.weights import Found
from rowen.values import Broken, Embeddings, Mistaken

_SHORTER = (64, 128, 256)  # WordLlama's vectors are trained so that their beginnings are vectors too


class StaticEmbedder:
    """A table of vectors and its tokenizer."""

    max_tokens = 0

    def __init__(self, table: np.ndarray, tokenizer: Tokenizer) -> None:
        self.dimensions = int(table.shape[1])
        self.shorter = tuple(length for length in _SHORTER if length <= self.dimensions)
        self._table = table
        self._tokenizer = tokenizer

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(each.ids) for each in self._encoded(texts)]

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors, tokens = self._made(texts, self.dimensions)
        return Vectors(tuple(tuple(row) for row in vectors.tolist()), tokens)

    def floats(self, texts: Sequence[str], dimensions: int = 0) -> Embeddings:
        if dimensions not in {0, self.dimensions, *self.shorter}:
            lengths = ", ".join(map(str, self.shorter))
            raise Mistaken("config_invalid", f"these vectors can be cut to {lengths} numbers, not to {dimensions}")
        vectors, tokens = self._made(texts, dimensions or self.dimensions)
        return Embeddings(vectors.astype("<f4").tobytes(), dimensions or self.dimensions, tokens)

    def _made(self, texts: Sequence[str], dimensions: int) -> tuple[np.ndarray, int]:
        vectors = np.zeros((len(texts), dimensions), np.float32)
        tokens = 0
        for row, each in enumerate(self._encoded(texts)):
            tokens += len(each.ids)
            if each.ids:
                vectors[row] = self._table[each.ids, :dimensions].astype(np.float32).mean(axis=0)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors, tokens

    def _encoded(self, texts: Sequence[str]) -> list:  # type: ignore[type-arg]  # tokenizers has no types
        return self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def open_static(found: Found, threads: int) -> StaticEmbedder:  # noqa: ARG001 - there is nothing to share out
    """Load a table of vectors from a safetensors file.

    Raises:
        Broken: `weights_format`.

    """
    try:
        data = found.model.read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = msgspec.json.decode(data[8 : 8 + size], type=dict[str, _Tensor])
        tensor = header["embedding.weight"]
        start, end = tensor.data_offsets
        kind = {"F16": np.float16, "F32": np.float32}[tensor.dtype]
        table = np.frombuffer(data, kind, (end - start) // np.dtype(kind).itemsize, 8 + size + start)
        table = table.reshape(tensor.shape)
        tokenizer = Tokenizer.from_file(str(found.files["tokenizer.json"]))
    except Exception as error:  # the tokenizer's library raises plain `Exception` for a damaged file
        message = f"The files of {found.weights.name} cannot be read: {type(error).__name__}."
        raise Broken("weights_format", message, place=str(found.model)) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return StaticEmbedder(table, tokenizer)
