"""Where weights lie: the models folder, or a package that is installed beside us. Every file is checked by sha256."""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO

import msgspec

from rowen.provider.weights.base import Found, Listed, Piece, Weights
from rowen.provider.weights.catalog import CATALOG
from rowen.values import Broken, Mistaken, Problem, Unavailable

_RECORD = "weights.json"  # beside files that somebody added from a path: their name, kind and sha256
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CHUNK = 1 << 20

Installed = Callable[[Piece], Path | None]


def default_place(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the models folder: `ROWEN_MODELS`, or `rowen/models` in the user's data folder."""
    if given := environment.get("ROWEN_MODELS"):
        return Path(given).expanduser()
    data = environment.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "rowen" / "models"


def installed_file(piece: Piece) -> Path | None:
    """Return a piece's file in an installed package of just that version; the package is not imported."""
    if not piece.package:
        return None
    try:
        found = distribution(piece.package)
    except PackageNotFoundError:
        return None
    if found.version != piece.version:
        return None
    file = Path(str(found.locate_file(piece.member)))
    return file if file.is_file() else None


class Folder:
    """The models of one machine.

    Args:
        place: the models folder; need not exist yet.
        known: the models known by name.
        installed: where to look for a file that came with an installed package.

    """

    def __init__(
        self, place: Path, known: Mapping[str, Weights] = CATALOG, installed: Installed = installed_file
    ) -> None:
        self.place = place
        self.known = known
        self._installed = installed

    def weights(self, name: str) -> Weights:
        """Return what is known of a model, whether it is here or not.

        Raises:
            Mistaken: `model_unknown`, with the nearest name.

        """
        if name in self.known:
            return self.known[name]
        if record := self._record(name):
            return record
        near = get_close_matches(name, [*self.known, *self._added()], n=1)
        hint = f' — did you mean "{near[0]}"?' if near else f" — there are {', '.join(self.known)}, or a file's path"
        fix = "`rowen models list` names what there is."
        raise Mistaken("model_unknown", f'There are no weights called "{name}"{hint}', fix=fix)

    def all(self) -> tuple[Listed, ...]:
        """Return every known model and every added one, without reading the files through."""
        return tuple(self._listed(self.weights(name)) for name in (*self.known, *self._added()))

    def find(self, name: str) -> Found:
        """Return a model's files, each checked.

        Raises:
            Mistaken: `model_unknown`.
            Unavailable: `weights_missing`.
            Broken: `weights_changed`.

        """
        weights = self.weights(name)
        files: dict[str, Path] = {}
        for piece in weights.pieces:
            file = self.file(weights, piece)
            if file is None:
                message = (
                    f"The weights of {name} are not here: {piece.save_as} is missing. Run `rowen models add {name}`."
                )
                raise Unavailable("weights_missing", message, who=name)
            check(file, piece)
            files[piece.save_as] = file
        return Found(weights, files)

    def file(self, weights: Weights, piece: Piece) -> Path | None:
        """Return where a piece lies, or None; it is not checked."""
        here = self.place / weights.name / piece.save_as
        return here if here.is_file() else self._installed(piece)

    def verify(self, name: str) -> Problem | None:
        """Return what is wrong with a model's files, or None."""
        try:
            self.find(name)
        except (Unavailable, Broken) as problem:
            return problem
        return None

    def remove(self, name: str) -> bool:
        """Remove a model from the folder, and say whether anything was there. Installed packages are left alone."""
        self.weights(name)
        inside = self.place / name
        if not inside.is_dir():
            return False
        with writing(self.place):
            shutil.rmtree(inside)
        return True

    def put(self, weights: Weights, piece: Piece, source: IO[bytes], told: Callable[[int], None]) -> Path:
        """Copy one file into the folder, whole or not at all, and return where it lies.

        Raises:
            Broken: `weights_changed` when its sha256 is not the piece's; nothing is kept.
            Unavailable: `store_unavailable` when the folder cannot be written.

        """
        digest = hashlib.sha256()
        with writing(self.place):
            inside = self.place / weights.name
            inside.mkdir(parents=True, exist_ok=True)
            target = inside / piece.save_as
            fresh = inside / f".{piece.save_as}.{secrets.token_hex(4)}"
            try:
                with fresh.open("wb") as out:
                    while chunk := source.read(_CHUNK):
                        digest.update(chunk)
                        out.write(chunk)
                        told(len(chunk))
                    out.flush()
                    os.fsync(out.fileno())
                if digest.hexdigest() != piece.sha256:
                    raise _changed(piece, digest.hexdigest())
                fresh.replace(target)
            finally:
                fresh.unlink(missing_ok=True)
                with suppress(OSError):
                    inside.rmdir()  # stays unless it is empty
        return target

    def record(self, weights: Weights) -> None:
        """Write down what an added file is."""
        with writing(self.place):
            fresh = self.place / weights.name / f".{_RECORD}"
            fresh.write_bytes(msgspec.json.encode(weights))
            fresh.replace(self.place / weights.name / _RECORD)

    def name_for(self, name: str) -> str:
        """Return a name that an added file may have.

        Raises:
            Mistaken: `field_invalid` or `conflict`.

        """
        if not _NAME.fullmatch(name):
            message = f'"{name}" cannot be a name: use small letters, digits, ".", "_" and "-".'
            raise Mistaken("field_invalid", message, place="--name")
        if name in self.known:
            raise Mistaken("conflict", f'"{name}" is the name of a model that ships; choose another.', place="--name")
        return name

    def _added(self) -> tuple[str, ...]:
        if not self.place.is_dir():
            return ()
        return tuple(
            sorted(
                each.name for each in self.place.iterdir() if (each / _RECORD).is_file() and each.name not in self.known
            )
        )

    def _record(self, name: str) -> Weights | None:
        if not _NAME.fullmatch(name):
            return None
        try:
            return msgspec.json.decode((self.place / name / _RECORD).read_bytes(), type=Weights)
        except (OSError, msgspec.DecodeError):
            return None

    def _listed(self, weights: Weights) -> Listed:
        files = [self.file(weights, piece) for piece in weights.pieces]
        if not any(files):
            return Listed(weights, "absent", "")
        for file, piece in zip(files, weights.pieces, strict=True):
            if file is None or file.stat().st_size != piece.size:
                return Listed(weights, "damaged", str(self.place / weights.name))
        first = files[0]
        assert first is not None
        return Listed(weights, "here" if first.is_relative_to(self.place) else "installed", str(first.parent))


def check(file: Path, piece: Piece) -> None:
    """Read a file through and compare its sha256.

    Raises:
        Broken: `weights_changed`.
        Unavailable: `weights_missing` when it cannot be read.

    """
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Unavailable("weights_missing", f"{file} cannot be read: {error.strerror}.", who=piece.save_as) from error
    if found != piece.sha256:
        raise _changed(piece, found, str(file))


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn trouble with the models folder into a sentence about it."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        why = "the disk is full" if full else (error.strerror or type(error).__name__)
        message = f"The models folder {place} cannot be written: {why}. ROWEN_MODELS can name another."
        raise Unavailable("store_unavailable", message, who="models folder", place=str(place)) from error


def _changed(piece: Piece, found: str, place: str = "") -> Broken:
    message = (
        f"{piece.save_as} is not the file it should be: its sha256 is {found[:12]}…, expected {piece.sha256[:12]}…."
    )
    return Broken("weights_changed", message, place=place)
