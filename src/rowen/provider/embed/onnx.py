"""Sentence vectors from a BERT-like encoder on ONNX Runtime: mean over the tokens, then length 1.

As all-MiniLM-L6-v2 was trained: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime  # type: ignore[import-untyped,import-not-found,unused-ignore]
from tokenizers import Tokenizer

from rowen.provider.cores import limit
from rowen.provider.embed.base import Vectors
from rowen.provider.weights import Found
from rowen.values import Broken, Embeddings, Mistaken

_BATCH = 256  # tokens computed in one go, padding included: with 1,024 the same vectors took a tenth more CPU, and more memory


class OnnxEmbedder:
    """An encoder and its tokenizer."""

    shorter: tuple[int, ...] = ()  # it was not trained to be cut

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self.dimensions = int(session.get_outputs()[0].shape[-1])
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = frozenset(each.name for each in session.get_inputs())

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(each.ids) for each in self._tokenizer.encode_batch_fast(list(texts))]

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors, tokens = self._made(texts)
        return Vectors(tuple(tuple(row) for row in vectors.tolist()), tokens)

    def floats(self, texts: Sequence[str], dimensions: int = 0) -> Embeddings:
        if dimensions not in {0, self.dimensions}:
            raise Mistaken("config_invalid", f"these vectors have {self.dimensions} numbers and cannot be cut")
        vectors, tokens = self._made(texts)
        return Embeddings(vectors.astype("<f4").tobytes(), self.dimensions, tokens)

    def _made(self, texts: Sequence[str]) -> tuple[np.ndarray, int]:
        encoded = [each.ids for each in self._tokenizer.encode_batch_fast(list(texts))]
        last = self.max_tokens
        # A text that is cut keeps its end mark.
        ids = [each if not last or len(each) <= last else [*each[: last - 1], each[-1]] for each in encoded]
        vectors = np.zeros((len(ids), self.dimensions), dtype=np.float32)
        by_length = sorted(range(len(ids)), key=lambda place: len(ids[place]), reverse=True)  # so that little is padded
        start = 0
        while start < len(by_length):
            end = start + max(1, _BATCH // len(ids[by_length[start]]))
            places = by_length[start:end]
            vectors[places] = self._pooled([ids[place] for place in places])
            start = end
        return vectors, sum(map(len, ids))

    def _pooled(self, ids: list[list[int]]) -> np.ndarray:
        padded = np.zeros((len(ids), len(ids[0])), dtype=np.int64)
        mask = np.zeros_like(padded)
        for row, each in enumerate(ids):
            padded[row, : len(each)] = each
            mask[row, : len(each)] = 1
        given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
        (hidden, *_) = self._session.run(None, {name: given[name] for name in self._inputs})
        weight = mask[:, :, None].astype(np.float32)
        mean = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        pooled: np.ndarray = mean / np.maximum(norm, 1e-12)
        return pooled


def open_onnx(found: Found, threads: int) -> OnnxEmbedder:
    """Load an encoder.

    Raises:
        Broken: `weights_format`.

    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or limit()  # 0: the library takes the cores there are
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised as well
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not eat the cores
    try:
        session = onnxruntime.InferenceSession(str(found.model), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(found.files["tokenizer.json"]))
    except Exception as error:  # both libraries raise plain `Exception` for a damaged file
        message = f"The files of {found.weights.name} cannot be read: {type(error).__name__}."
        raise Broken("weights_format", message, place=str(found.model)) from error
    known = {"input_ids", "attention_mask", "token_type_ids"}
    if not {each.name for each in session.get_inputs()} <= known or len(session.get_outputs()[0].shape) != 3:
        message = f"{found.model.name} is not a text encoder: it must take {', '.join(sorted(known))}."
        raise Broken("weights_format", message, place=str(found.model))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return OnnxEmbedder(session, tokenizer, found.weights.max_tokens)
