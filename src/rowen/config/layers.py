"""Deployment settings in layers: defaults, then a file, then `ROWEN_…` variables, then the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rowen.config.check import MISSING, Checker
from rowen.config.places import Places
from rowen.config.read import mistaken, toml
from rowen.values import Mistaken, Settings

S = TypeVar("S", bound=Settings)


def layered(
    kind: type[S], file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]
) -> tuple[S, dict[str, str]]:
    """Return the settings and where each came from (`default`, `server.toml:3`, `ROWEN_PORT`, `--port`).

    Raises:
        Mistaken: `config_*` with the place: a line of the file, a variable or a flag.

    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    origins = dict.fromkeys(fields, "default")
    if file is not None and file.exists():
        source, text = toml(file)
        places = Places(text)
        checker = Checker(file.parent, environment.get)
        made = checker.convert(source, kind, ())
        if made is MISSING:
            raise mistaken(file, places, checker.mistakes)
        for name in source:
            values[name] = getattr(made, fields[name].name)
            origins[name] = f"{file.name}:{places.line((name,))}"
    for name, field in fields.items():
        variable = f"ROWEN_{name.upper()}"
        if variable in environment:
            values[name] = _from_text(variable, environment[variable], field.type)
            origins[name] = variable
        if flags.get(name) is not None:
            values[name] = flags[name]
            origins[name] = f"--{name.replace('_', '-')}"
    try:
        return kind(**{fields[name].name: value for name, value in values.items()}), origins
    except (TypeError, ValueError) as error:
        raise Mistaken("config_invalid", str(error)) from error


def _from_text(variable: str, text: str, kind: Any) -> Any:
    """Return a variable's text as the type: lists are separated by commas, `true`/`false`, numbers as such."""
    checker = Checker(Path(), lambda _: None)
    for candidate in (text, _plain(text), [part.strip() for part in text.split(",") if part.strip()]):
        made = checker.convert(candidate, kind, (variable,))
        if made is not MISSING:
            return made
    # What can be read as a number is told as one, not as the text that a variable always is.
    mistake = checker.mistakes[1 if _plain(text) != text else 0]
    raise Mistaken("config_invalid", mistake.sentence.removeprefix(f'"{variable}": '), place=variable)


def _plain(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
