"""Which files may be loaded at all: formats that hold numbers and cannot hold code."""

import struct
from pathlib import Path

from rowen.provider.weights.base import Format
from rowen.values import Mistaken

_PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth", ".joblib", ".npy", ".npz"})
_GGUF_VERSIONS = frozenset({2, 3})


def format_of(file: Path) -> Format:
    """Return the format of a weight file, by its name and its first bytes.

    Raises:
        Mistaken: `config_missing` when it cannot be read, `weights_format` for anything but GGUF and ONNX.

    """
    try:
        with file.open("rb") as opened:
            head = opened.read(64)
    except OSError as error:
        raise Mistaken("config_missing", f"{file} cannot be read: {error.strerror}.", place=str(file)) from error
    suffix = file.suffix.lower()
    if suffix == ".gguf":
        if len(head) < 24 or head[:4] != b"GGUF" or struct.unpack_from("<I", head, 4)[0] not in _GGUF_VERSIONS:
            raise _refused(file, "does not begin as a GGUF file does")
        return "gguf"
    if suffix == ".onnx":
        # A ModelProto (protobuf) begins with field 1, `ir_version`, a small number.
        if len(head) < 8 or head[0] != 0x08 or not 3 <= head[1] <= 31:
            raise _refused(file, "does not begin as an ONNX file does")
        return "onnx"
    if suffix in _PICKLES or head[:1] == b"\x80" or head[:2] == b"PK":
        raise _refused(file, "may be a pickle, which runs code when it is loaded")
    raise _refused(file, "is neither .gguf nor .onnx")


def _refused(file: Path, why: str) -> Mistaken:
    return Mistaken("weights_format", f"{file.name} {why}.", place=str(file))
