"""Bytes of a text in any encoding → the text: UTF-8 first, then by its mark, then by what makes words of it."""

from importlib import import_module
from typing import NamedTuple

from rowen.values import Mistaken

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
          (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
_LOOKED_AT = 200_000


class Decoded(NamedTuple):
    """A text with its line ends as Unix has them, and the encoding it had where that is not UTF-8."""

    text: str
    encoding: str = ""


def decoded(data: bytes, declared: str = "") -> Decoded:
    """Return bytes as text.

    Args:
        data: in any encoding.
        declared: which one the file itself names, tried after UTF-8.

    Raises:
        Mistaken: `document_broken` where no encoding fits, `extra_missing`.

    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return Decoded(_plain(data.decode(encoding)), "" if encoding == "utf-8-sig" else encoding)
            except UnicodeDecodeError:
                break
    try:
        return Decoded(_plain(data.decode("utf-8")))
    except UnicodeDecodeError:
        pass
    if declared:
        try:
            return Decoded(_plain(data.decode(declared)), declared.lower())
        except (UnicodeDecodeError, LookupError):
            pass
    return _guessed(data)


def _guessed(data: bytes) -> Decoded:
    try:
        charset = import_module("charset_normalizer")
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", "texts that are not UTF-8 need `pip install rowen[rag]`") from error
    best = charset.from_bytes(data[:_LOOKED_AT]).best()
    if best is None:
        raise Mistaken("document_broken", "the text is in no encoding that makes words of it")
    return Decoded(_plain(data.decode(best.encoding, "replace")), best.encoding)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").removeprefix("\ufeff")
