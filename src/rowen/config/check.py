"""Turns plain TOML data into typed settings, and names every mistake with its path and what is near."""

import re
import types
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from rowen.config.kinds import Duration, TextFile, TextFiles, duration
from rowen.config.places import Path
from rowen.values import Secret

MISSING = object()


class Mistake(msgspec.Struct, frozen=True):
    """One thing wrong in a file: the error code, the path of the key, and a sentence."""

    code: str
    path: Path
    sentence: str


_QUOTED = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")
_KINDS = {
    "str": "a text",
    "object": "a table",
    "array": "a list",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
"""What msgspec calls kinds of values, in the words of who writes an `app.toml`."""


def _kinds(found: re.Match[str]) -> str:
    names = found[1].split(" | ")
    return " or ".join(_KINDS.get(name, f"`{name}`") for name in names)


class Checker:
    """Converts tables to settings and gathers mistakes instead of stopping at the first.

    Args:
        folder: where relative paths start.
        environment: where `{ env = "NAME" }` looks.
        secrets: whether to read secrets; without it each becomes an empty `Secret` (for checking on another machine).
        texts: of the files that are named, where they are kept elsewhere than in the folder.

    """

    def __init__(
        self,
        folder: FilePath,
        environment: Callable[[str], str | None],
        *,
        secrets: bool = True,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._texts = texts
        self._environment = environment
        self._secrets = secrets
        self.mistakes: list[Mistake] = []
        self.files: dict[str, str] = {}

    def convert(self, value: Any, kind: Any, path: Path) -> Any:
        """Return the value as `kind`; what is wrong goes to `mistakes` and gives `MISSING`."""
        if kind == Duration:
            return self._made(duration, value, path)
        if get_origin(kind) is Annotated:
            return (
                self._leaf(value, kind, path)
                if len(get_args(kind)) > 1
                else self.convert(value, get_args(kind)[0], path)
            )
        if get_origin(kind) in {Union, types.UnionType}:
            return self._union(value, kind, path)
        if kind is Secret:
            return self._secret(value, path)
        if kind is TextFile:
            return self._file(value, path)
        if kind is TextFiles:
            return self._files(value, path)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._table(value, kind, path)
        origin, inner = get_origin(kind), get_args(kind)
        if origin is dict and isinstance(value, dict):
            return {key: self.convert(item, inner[1], (*path, key)) for key, item in value.items()}
        if origin is tuple and isinstance(value, list) and inner[-1] is Ellipsis:
            return tuple(self.convert(item, inner[0], (*path, number)) for number, item in enumerate(value))
        return self._leaf(value, kind, path)

    def _union(self, value: Any, kind: Any, path: Path) -> Any:
        options = [option for option in get_args(kind) if option is not type(None)]
        fitting = [option for option in options if _looks_like(value, option)]
        if len(fitting) == 1 or len(options) == 1:
            return self.convert(value, (fitting or options)[0], path)
        return self._leaf(value, kind, path)

    def _table(self, value: Any, kind: type[msgspec.Struct], path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong("config_invalid", path, f"expected a table, got {_said(value)}")
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        found: dict[str, Any] = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                near = get_close_matches(key, fields, n=1, cutoff=0.5)
                hint = f' — did you mean "{near[0]}"?' if near else f" — it knows {', '.join(sorted(fields))}"
                self._wrong("config_unknown_key", (*path, key), f'unknown key "{key}" in {_table_name(path)}{hint}')
            else:
                found[field.name] = self.convert(item, field.type, (*path, key))
        for field in fields.values():
            if field.required and field.encode_name not in value:
                self._wrong("config_invalid", path, f'the key "{field.encode_name}" is missing in {_table_name(path)}')
                found[field.name] = MISSING
        if any(item is MISSING for item in found.values()):
            return MISSING
        return self._made(lambda given: kind(**given), found, path)

    def _leaf(self, value: Any, kind: Any, path: Path) -> Any:
        try:
            return msgspec.convert(value, kind, strict=True, builtin_types=(bytes,))
        except msgspec.ValidationError as error:
            said = _QUOTED.sub(_kinds, str(error).replace(" - at `$`", ""))
            if get_origin(kind) is Literal:
                said = _choose(value, get_args(kind))
            return self._wrong("config_invalid", path, f'"{_dotted(path)}": {said[0].lower()}{said[1:]}')

    def _made(self, make: Callable[[Any], Any], value: Any, path: Path) -> Any:
        try:
            return make(value)
        except (ValueError, TypeError) as error:
            return self._wrong("config_invalid", path, f'"{_dotted(path)}": {error}')

    def _secret(self, value: Any, path: Path) -> Any:
        match value:
            case {"env": str(name)} if len(value) == 1:
                text = self._environment(name) if self._secrets else ""
                if text is None:
                    return self._wrong("config_secret", path, f'"{_dotted(path)}": the variable {name} is not set')
                return Secret(text)
            case {"file": str(name)} if len(value) == 1:
                if not self._secrets:
                    return Secret("")
                try:
                    return Secret((self._folder / name).read_text(encoding="utf-8").strip())
                except (OSError, UnicodeDecodeError) as error:
                    reason = type(error).__name__ if isinstance(error, UnicodeDecodeError) else error.strerror
                    return self._wrong("config_secret", path, f'"{_dotted(path)}": cannot read {name}: {reason}')
            case _:
                return self._wrong(
                    "config_secret",
                    path,
                    f'"{_dotted(path)}": a secret is given by reference, {{ env = "NAME" }} or {{ file = "PATH" }}',
                )

    def _file(self, value: Any, path: Path) -> Any:
        if not isinstance(value, str):
            return self._wrong(
                "config_invalid", path, f'"{_dotted(path)}": expected the path of a file, got {_said(value)}'
            )
        if self._texts is not None:
            return self._kept(value, self._texts, path)
        target = self._folder / value
        try:
            text = target.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return self._wrong("config_invalid", path, f'"{_dotted(path)}": {value} is not UTF-8 text')
        except OSError as error:
            names = [each.name for each in target.parent.iterdir()] if target.parent.is_dir() else []
            near = get_close_matches(target.name, names, n=1)
            hint = f' — did you mean "{near[0]}"?' if near else ""
            return self._wrong(
                "config_missing", path, f'"{_dotted(path)}": cannot read {value}: {error.strerror}{hint}'
            )
        self.files[value] = text
        return TextFile(path=value, text=text)

    def _files(self, value: Any, path: Path) -> Any:
        if not isinstance(value, str) or value.startswith("/") or ".." in value.split("/"):
            said = f'"{_dotted(path)}": expected a pattern of files beside this one, such as "cases/*.jsonl"'
            return self._wrong("config_invalid", path, said)
        if self._texts is not None:
            names = [name for name in self._texts if PurePosixPath(name).match(value)]
        else:
            names = [str(each.relative_to(self._folder).as_posix()) for each in self._folder.glob(value)]
        if not names:
            return self._wrong("config_missing", path, f'"{_dotted(path)}": no file is like {value}')
        found = [self._file(name, path) for name in sorted(names)]
        if any(each is MISSING for each in found):
            return MISSING
        return TextFiles(pattern=value, files=tuple(found))

    def _kept(self, name: str, texts: Mapping[str, str], path: Path) -> Any:
        if name not in texts:
            return self._wrong("config_missing", path, f'"{_dotted(path)}": the text of {name} was not kept')
        self.files[name] = texts[name]
        return TextFile(path=name, text=texts[name])

    def _wrong(self, code: str, path: Path, sentence: str) -> Any:
        self.mistakes.append(Mistake(code, path, sentence))
        return MISSING


def _looks_like(value: Any, kind: Any) -> bool:
    """Whether a union's member is the one meant, by the TOML type alone."""
    origin = get_origin(kind) or kind
    if origin is Secret:
        return isinstance(value, dict) and set(value) in ({"env"}, {"file"})
    if origin in {TextFile, TextFiles, str}:
        return isinstance(value, str)
    if kind == Duration:
        return isinstance(value, str | int | float)
    if origin is tuple:
        return isinstance(value, list)
    if origin is dict or (isinstance(origin, type) and issubclass(origin, msgspec.Struct)):
        return isinstance(value, dict)
    return isinstance(origin, type) and isinstance(value, origin)


def _choose(value: Any, allowed: tuple[Any, ...]) -> str:
    near = get_close_matches(str(value), map(str, allowed), n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"use {', '.join(map(repr, allowed))}"
    return f"{value!r} is not one of its values — {hint}"


def _said(value: Any) -> str:
    names = {dict: "a table", list: "a list", str: "a text", bool: "true/false", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def _dotted(path: Path) -> str:
    return ".".join(f"[{part}]" if isinstance(part, int) else part for part in path).replace(".[", "[")


def _table_name(path: Path) -> str:
    return f"[{_dotted(path)}]" if path else "the file"
