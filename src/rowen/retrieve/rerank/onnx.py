"""Reranker: a cross-encoder on ONNX Runtime, from a folder that somebody chose: `model.onnx` and `tokenizer.json`.

It reads question and passage together, so it is slow and good. None comes with Rowen. It must give one number a pair, as
those exported from `cross-encoder/ms-marco-MiniLM-L6-v2` and the like do.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped,import-not-found,unused-ignore]
from tokenizers import Tokenizer

from rowen.values import Broken, Mistaken

_TOKENS = 512
_BATCH = 4_096  # tokens computed in one go


class CrossEncoder:
    """A cross-encoder and its tokenizer."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = frozenset(each.name for each in session.get_inputs())

    async def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the model's own number for each pair."""
        return await asyncio.to_thread(self._judged, question, list(texts))

    def _judged(self, question: str, texts: list[str]) -> list[float]:
        encoded = self._tokenizer.encode_batch_fast([(question, text) for text in texts])
        scores = np.zeros(len(texts), np.float32)
        by_length = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids), reverse=True)
        start = 0
        while start < len(by_length):
            longest = len(encoded[by_length[start]].ids)
            places = by_length[start : start + max(1, _BATCH // max(1, longest))]
            given = {name: np.zeros((len(places), longest), np.int64) for name in _INPUTS}
            for row, at in enumerate(places):
                each = encoded[at]
                for name, numbers in zip(_INPUTS, (each.ids, each.attention_mask, each.type_ids), strict=True):
                    given[name][row, : len(numbers)] = numbers
            (logits, *_) = self._session.run(None, {name: given[name] for name in self._inputs})
            scores[places] = logits.reshape(len(places), -1)[:, -1]
            start += len(places)
        found: list[float] = scores.tolist()
        return found


_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def open_cross_encoder(folder: Path, threads: int = 0) -> CrossEncoder:
    """Load a cross-encoder. Blocks.

    Raises:
        Mistaken: `config_missing` when a file is not there.
        Broken: `weights_format` when the files cannot be read, or are no cross-encoder.

    """
    model, words = folder / "model.onnx", folder / "tokenizer.json"
    for file in (model, words):
        if not file.is_file():
            raise Mistaken("config_missing", f"the reranker needs {file}", place="rerank")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what goes wrong is raised as well
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(words))
    except Exception as error:  # both libraries raise plain `Exception` for a damaged file
        message = f"The files of the reranker cannot be read: {type(error).__name__}."
        raise Broken("weights_format", message, place=str(folder)) from error
    shape = session.get_outputs()[0].shape
    if not {each.name for each in session.get_inputs()} <= set(_INPUTS) or len(shape) > 2:
        raise Broken("weights_format", f"{model.name} is not a cross-encoder: it gives {shape}.", place=str(folder))
    tokenizer.enable_truncation(_TOKENS, strategy="only_second")
    tokenizer.no_padding()
    return CrossEncoder(session, tokenizer)
