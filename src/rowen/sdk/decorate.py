"""`@rowen.trace`: a function whose calls are spans.

The decorated function is of the kind that it was: a coroutine function stays one. A function that gives a generator, an
asynchronous generator or a coroutine, or is one of these, has a span that ends when what it gave has ended; its parent is
where the function was called, also when the stream is read elsewhere.
"""

import functools
import inspect
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, TypeVar, cast, overload

from rowen.sdk.capture import json_of
from rowen.sdk.fold import Fold, folded
from rowen.sdk.kind import Kind
from rowen.sdk.link import LINK
from rowen.sdk.span import Span

F = TypeVar("F", bound=Callable[..., Any])

_NEVER = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
"""Decided before the first function is decorated: then every function stays as it is."""
_LATER = (GeneratorType, AsyncGeneratorType, CoroutineType)


@overload
def trace(function: F, /) -> F: ...
@overload
def trace(
    *, name: str = "", type: Kind = "chain", capture: bool = True, fold: Callable[[list[Any]], Any] | None = None
) -> Callable[[F], F]: ...
def trace(
    function: F | None = None,
    /,
    *,
    name: str = "",
    type: Kind = "chain",
    capture: bool = True,
    fold: Callable[[list[Any]], Any] | None = None,
) -> F | Callable[[F], F]:
    """Record each call of a function as a span.

    Args:
        function: given by `@rowen.trace` without brackets.
        name: what the span is called; the function's own name if empty.
        type: what it does: `llm`, `embedding`, `retriever`, `reranker`, `tool`, `agent`, `chain`, `guardrail`,
            `evaluator`, `prompt` or `memory`.
        capture: whether arguments, results and the texts of exceptions may be kept.
        fold: makes the output of the pieces of a stream; texts are joined if there is none.

    """

    def decorate(function: F) -> F:
        if isinstance(function, classmethod | staticmethod):
            inner = function.__func__
            return cast("F", function.__class__(_traced(inner, _Plan(inner, name, type, capture, fold))))
        return function if _NEVER else cast("F", _traced(function, _Plan(function, name, type, capture, fold)))

    return decorate if function is None else decorate(function)


class _Plan:
    """What is known of a function before it is called."""

    __slots__ = ("capture", "first", "fold", "name", "names", "rest", "type")

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        type: Kind,
        capture: bool,
        fold: Callable[[list[Any]], Any] | None,
    ) -> None:
        own = getattr(function, "__qualname__", "") or function.__class__.__name__
        self.name = name or own.rpartition("<locals>.")[2]
        self.type, self.capture, self.fold = type, capture, fold
        names, self.rest = _parameters(function)
        self.first = 1 if names and names[0] in {"self", "cls"} else 0
        self.names = names[self.first :]

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span:
        """Return the span of a call."""
        span = Span(self.name, self.type, capture=self.capture)
        if self.capture and LINK.capture and span.recorded:
            names = self.names
            given = args[self.first :] if self.first else args
            named = dict(zip(names, given, strict=False))
            if len(given) > len(names):
                named[self.rest] = given[len(names) :]
            if kwargs:
                named.update(kwargs)
            if named:
                span.take(json_of(named, LINK.limit))
        return span


def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], str]:
    """Return the names of the positional parameters, and that of what takes the rest."""
    inner = inspect.unwrap(function)
    if inspect.isfunction(inner):  # its code says it without looking at annotations, which may name what is not there
        code = inner.__code__
        rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :]
        return code.co_varnames[: code.co_argcount], rest[0] if code.co_flags & inspect.CO_VARARGS else "args"
    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception:  # noqa: BLE001 - some builtins have none, and no function must fail to be decorated for it
        return (), "args"
    names = tuple(each.name for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD})
    return names, next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), "args")


def _traced(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            if not LINK.on:
                return await function(*args, **kwargs)
            span = plan.begin(args, kwargs)
            entered = span.enter()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                span.leave(entered)
                span.fail(error).end()
                raise
            span.leave(entered)
            return _ended(span, result, plan)

        return asynchronous

    @functools.wraps(function)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        if not LINK.on:
            return function(*args, **kwargs)
        span = plan.begin(args, kwargs)
        entered = span.enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            span.leave(entered)
            span.fail(error).end()
            raise
        span.leave(entered)
        return _ended(span, result, plan)

    return synchronous


def _ended(span: Span, result: Any, plan: _Plan) -> Any:
    """End the span of a call with its result, or hand on a stream that ends it."""
    if isinstance(result, _LATER):
        if isinstance(result, GeneratorType):
            return _stream(span, result, plan)
        return _async_stream(span, result, plan) if isinstance(result, AsyncGeneratorType) else _awaited(span, result)
    span.give(result)
    span.end()
    return result


async def _awaited(span: Span, coroutine: Coroutine[Any, Any, Any]) -> Any:
    with span:
        result = await coroutine
        span.give(result)
        return result


def _stream(span: Span, stream: Generator[Any, Any, Any], plan: _Plan) -> Generator[Any, Any, Any]:
    """Hand on a generator's pieces. The span is the current one while the generator works, not while it is read."""
    fold = Fold(LINK.limit, whole=plan.fold is not None)
    step: Callable[[Any], Any] = stream.send
    given: Any = None
    try:
        while True:
            entered = span.enter()
            try:
                piece = step(given)
            except StopIteration as stop:
                if stop.value is not None and fold.empty:
                    span.give(stop.value)
                return stop.value
            finally:
                span.leave(entered)
            if fold.empty:
                span.first_came()
            fold.add(piece)
            try:
                given = yield piece
                step = stream.send
            except GeneratorExit:
                stream.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it belongs to the generator
                given, step = error, stream.throw
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        _told(span, fold, plan)


async def _async_stream(span: Span, stream: AsyncGenerator[Any, Any], plan: _Plan) -> AsyncGenerator[Any, Any]:
    """Hand on an asynchronous generator's pieces, as `_stream` does."""
    fold = Fold(LINK.limit, whole=plan.fold is not None)
    step: Callable[[Any], Any] = stream.asend
    given: Any = None
    try:
        while True:
            entered = span.enter()
            try:
                piece = await step(given)
            except StopAsyncIteration:
                return
            finally:
                span.leave(entered)
            if fold.empty:
                span.first_came()
            fold.add(piece)
            try:
                given = yield piece
                step = stream.asend
            except GeneratorExit:
                await stream.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - it belongs to the generator
                given, step = error, stream.athrow
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        _told(span, fold, plan)


def _told(span: Span, fold: Fold, plan: _Plan) -> None:
    """End the span of a stream with what came."""
    if not fold.empty:
        span.give(folded(fold, plan.fold))
    span.end()
