"""Tries a function of one's own: `module:function`, plain or async, of what a case asks."""

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from rowen.evaluate.run.aim import Aim, Reply, hashed
from rowen.values import Case, Mistaken, Problem, Target, Unavailable


def of_function(name: str) -> Aim:
    """Return a function as what a run tries.

    It is called with the case's input, and with the case itself under `case` where it has a parameter of that name. It
    gives a text, or an object with `answer` and what of a `Reply` it knows (`contexts`, `input_tokens`, `cost`, …), or
    any other JSON value. What it depends on beside its own file is not known, so its answers are not taken for later
    runs unless that is asked for.

    Raises:
        Mistaken: `config_missing` or `config_invalid` where there is no such function.

    """
    return of_callable(_found(name), name)


def of_callable(function: Callable[..., Any], name: str) -> Aim:
    """Return a function that is at hand as what a run tries, under a name; the rest as for `of_function`."""
    takes_case = "case" in inspect.signature(function).parameters
    plain = not inspect.iscoroutinefunction(function)

    async def ask(case: Case, trial: int) -> Reply:  # noqa: ARG001 - the shape of all targets
        more = {"case": case} if takes_case else {}
        began = time.perf_counter()
        try:
            given = await (asyncio.to_thread(function, case.input, **more) if plain else function(case.input, **more))
        except Problem:
            raise
        except Exception as error:  # whatever a function of somebody raises is the case's failure
            raise Unavailable("target_failed", f"{type(error).__name__}: {error}"[:1000], who=name) from error
        return _reply(given, (time.perf_counter() - began) * 1e3, name)

    content = hashed(name, _source(function))
    return Aim(target=Target(kind="callable", definition=content, name=name), content=content, ask=ask, lasting=False)


def _found(name: str) -> Callable[..., Any]:
    module, colon, attribute = name.partition(":")
    if not (colon and module and attribute):
        raise Mistaken("config_invalid", f"a function is named MODULE:FUNCTION, not {name!r}", place="target")
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise Mistaken("config_missing", f"there is no {name}: {error}", place="target") from error
    if not callable(found):
        raise Mistaken("config_invalid", f"{name} cannot be called", place="target")
    return found  # type: ignore[no-any-return]


def _source(function: Callable[..., Any]) -> str:
    try:
        file = inspect.getsourcefile(function)
        return Path(file).read_text(encoding="utf-8") if file else ""
    except (TypeError, OSError, UnicodeDecodeError):
        return ""  # built in, or compiled


def _reply(given: Any, duration_ms: float, name: str) -> Reply:
    if isinstance(given, Mapping) and "answer" in given:
        fields = {("text" if each == "answer" else each): value for each, value in given.items()}
        try:
            return msgspec.convert({"duration_ms": duration_ms, **fields}, Reply, strict=False)
        except msgspec.ValidationError as error:
            raise Unavailable("target_failed", f"it gave no answer that can be read: {error}", who=name) from error
    if isinstance(given, str):
        return Reply(text=given, duration_ms=duration_ms)
    try:
        return Reply(text=msgspec.json.encode(given, order="sorted").decode(), duration_ms=duration_ms)
    except (TypeError, ValueError) as error:
        raise Unavailable("target_failed", f"it gave no answer that can be written: {error}", who=name) from error
