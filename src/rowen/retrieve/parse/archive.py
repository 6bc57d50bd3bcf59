"""Archives that are opened without trust: what is in them is counted while it is unpacked, not believed."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element

from rowen.retrieve.parse.base import Limits
from rowen.retrieve.xml import tree_of
from rowen.values import Mistaken

_MANY = 20_000
_STEP = 1 << 20
_RATIO = 200  # zip's own compression reaches about 1,000 on nothing but zeros; office files about 10
_SMALL = 10_000_000


class Archive:
    """An open archive."""

    def __init__(self, archive: zipfile.ZipFile, packed: int, limits: Limits) -> None:
        self._archive = archive
        self._packed = packed
        self._limits = limits
        self._unpacked = 0
        self.names = frozenset(archive.namelist())

    def read(self, name: str) -> bytes:
        """Return a part.

        Raises:
            Mistaken: `document_bomb`, `document_broken`, `document_encrypted`.

        """
        try:
            with self._archive.open(name) as part:
                found = io.BytesIO()
                while step := part.read(_STEP):
                    self._unpacked += len(step)
                    self._check()
                    found.write(step)
                return found.getvalue()
        except KeyError as error:
            raise Mistaken("document_broken", f"the part {name} is missing") from error
        except RuntimeError as error:
            if "password" in str(error) or "encrypted" in str(error):
                raise Mistaken("document_encrypted", "the archive is protected by a password") from error
            raise Mistaken("document_broken", f"the part {name} cannot be read: {error}") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
            raise Mistaken("document_broken", f"the part {name} cannot be read: {error}") from error

    def xml(self, name: str) -> Element:
        """Return a part as XML; one with a document type of its own is refused, as entities can be bombs.

        Raises:
            Mistaken: as `read`.

        """
        return tree_of(self.read(name), f"the part {name}")

    def maybe(self, name: str) -> Element | None:
        """Return a part as XML that need not be there."""
        return self.xml(name) if name in self.names else None

    def _check(self) -> None:
        if self._unpacked > self._limits.unpacked:
            raise Mistaken("document_bomb", f"it unpacks to more than {self._limits.unpacked:,} bytes")
        if self._unpacked > _SMALL and self._unpacked > _RATIO * self._packed:
            raise Mistaken("document_bomb", f"it unpacks to more than {_RATIO} times its size")


@contextmanager
def opened(data: bytes, limits: Limits) -> Iterator[Archive]:
    """Open an archive.

    Raises:
        Mistaken: `document_bomb`, `document_broken`.

    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
        raise Mistaken("document_broken", f"the archive cannot be read: {error}") from error
    with archive:
        if len(archive.namelist()) > _MANY:
            raise Mistaken("document_bomb", f"it has more than {_MANY:,} parts")
        yield Archive(archive, len(data), limits)


def tag_of(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def said(element: Element, name: str) -> str:
    """Return an attribute, whatever its namespace; empty where there is none."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def facts(archive: Archive) -> dict[str, str]:
    """Return what an office file says of itself, such as `title`, `creator` and `language`."""
    root = archive.maybe("docProps/core.xml")
    return (
        {} if root is None else {tag_of(each): (each.text or "").strip() for each in root if (each.text or "").strip()}
    )
