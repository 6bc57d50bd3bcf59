"""An image's large part as a file beside the store, mapped into memory: quick to open, and shared between processes.

The file is never trusted: it is used only if the store itself says that it saved an image under this id, and is made
again otherwise.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from rowen.store.scan.base import Described, Lot, Shape
from rowen.store.scan.image import Image, image_of, whole
from rowen.store.scan.numbers import searched, width
from rowen.store.scan.part import Arrays, Part
from rowen.store.scan.postings import Postings
from rowen.values import Value

_HEAD = 4_096  # bytes for the header, which is JSON
_NAMES = ("numbers", "documents", "terms", "starts", "rows", "counts", "lengths")


class _Section(Value, frozen=True, kw_only=True):
    start: int
    type: str
    length: int


class _Header(Value, frozen=True, kw_only=True):
    id: str
    seen: int
    rows: int
    shape: Shape
    sections: dict[str, _Section]
    size: int


def saved(path: Path, id: str, lot: Lot, shape: Shape, seen: int) -> Image:
    """Make an image in a file that replaces the one there, and return it."""
    held_as = searched(shape)
    draft = path.with_name(f"{path.name}.{id}")
    try:
        with draft.open("wb") as file:
            draft.chmod(0o600)
            file.truncate(_HEAD + lot.size * width(held_as))
        image = image_of(lot, shape, seen, _mapped(draft, lot.size, held_as, "r+"))
        arrays = image.pieces[0].part.arrays
        with draft.open("r+b") as file:
            sections = {}
            for name, array in zip(_NAMES, _parts_of(arrays), strict=True):
                start = file.seek(-(-file.seek(0, os.SEEK_END) // 64) * 64)
                file.write(array.tobytes())
                sections[name] = _Section(start=start, type=array.dtype.str, length=len(array))
            header = _Header(
                id=id, seen=seen, rows=lot.size, shape=shape, sections=sections, size=file.seek(0, os.SEEK_END)
            )
            file.seek(0)
            file.write(msgspec.json.encode(header).ljust(_HEAD))
        draft.replace(path)
        # What was written is read through the file from now on, so that it can leave memory.
        reopened = opened(path, shape, {each.number: each for each in lot.documents}.get, lambda _id: True)
    finally:
        draft.unlink(missing_ok=True)
    return image if reopened is None else reopened


def opened(
    path: Path, shape: Shape, described: Callable[[int], Described | None], known: Callable[[str], bool]
) -> Image | None:
    """Return the image in a file; None where there is none that fits.

    Args:
        path: of the file.
        shape: how the build keeps its vectors.
        described: what filters need to know of a document.
        known: whether the store saved an image of that id.

    """
    try:
        with path.open("rb") as file:
            header = msgspec.json.decode(file.read(_HEAD), type=_Header)
        if header.size != path.stat().st_size or header.shape != shape or not known(header.id):
            return None
        vectors = _mapped(path, header.rows, searched(shape), "r")
        arrays = [_section(path, header.sections[name]) for name in _NAMES]
    except (OSError, msgspec.DecodeError, ValueError, KeyError, TypeError):
        return None
    numbers, documents, terms, starts, rows, counts, lengths = arrays
    postings = Postings(terms, starts, rows, counts, lengths)
    there = {
        number: (each.access, each.facts)
        for number in np.unique(documents).tolist()
        if (each := described(number)) is not None
    }
    return whole(Part(Arrays(numbers, documents, vectors, postings), searched(shape), there), shape, header.seen)


def _mapped(path: Path, rows: int, shape: Shape, mode: str) -> npt.NDArray[np.uint8]:
    wide = width(shape)
    if not rows or not wide:
        return np.empty((rows, wide), np.uint8)
    array: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, mode, _HEAD, (rows, wide))  # type: ignore[call-overload]
    return array.view(np.ndarray)


def _section(path: Path, section: _Section) -> npt.NDArray[Any]:
    if not section.length:
        return np.empty(0, section.type)
    return np.memmap(path, section.type, "r", section.start, (section.length,)).view(np.ndarray)


def _parts_of(arrays: Arrays) -> tuple[npt.NDArray[Any], ...]:
    each = arrays.postings
    return (arrays.numbers, arrays.documents, each.terms, each.starts, each.rows, each.counts, each.lengths)
