"""llama.cpp in this process: one loaded file, its slots, and the streams that wait for them.

The library generates on threads of its own and hands each chunk to a callback, so the event loop is never held up.
"""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from rowen.provider.cores import cores
from rowen.values import Broken, Mistaken, Unavailable

_BATCH = 256  # prompt tokens computed in one go: a caller that left is noticed after so many
# MiB for prompts that a slot has made room for (the library's default is 8 GiB): their beginnings need not be computed
# again when they come back. Three prompts in turn on two slots took 7.0 s of CPU instead of 17.6 (24 requests).
_PAST = 256
_ONE_TOKEN = b'{"prompt":".","max_tokens":1}'


class Key(NamedTuple):
    """What makes two engines the same."""

    file: Path
    context: int
    slots: int
    threads: int


class Server(Protocol):
    """The part of `xllamacpp.Server` that is used."""

    def handle_chat_completions(self, body: bytes, callback: Callable[[bytes], bool], /) -> object:
        """Call back with each chunk as JSON, until the end or until the callback returns True."""
        ...


class Engine:
    """A loaded model. Asks beyond its slots wait in the order they came."""

    def __init__(self, server: Server, slots: int) -> None:
        self._server: Server | None = server
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="rowen-local")
        self._lines: set[_Line] = set()

    async def ask(self, body: bytes) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of one answer. Closing it stops the generation at the next token.

        Raises:
            Mistaken: `upstream_refused` when the library cannot make a prompt or a grammar of the request.
            Unavailable: `shutting_down`.

        """
        line = _Line(asyncio.get_running_loop())
        self._lines.add(line)
        try:
            work = self._pool.submit(self._generate, body, line)
        except RuntimeError as error:  # the pool is shut
            self._lines.discard(line)
            raise Unavailable("shutting_down", who="local") from error
        try:
            while (chunk := await line.next()) is not None:
                yield chunk
        finally:
            line.left = True
            self._lines.discard(line)
            work.cancel()  # had it not begun

    def close(self) -> None:
        """Stop what is under way and free the memory. Blocks for a moment."""
        for line in list(self._lines):
            line.fail(Unavailable("shutting_down", who="local"))
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._server = None  # its destructor stops the library's threads

    def _generate(self, body: bytes, line: "_Line") -> None:
        """Run one answer to its end, on a thread of the pool."""
        server = self._server
        if line.left or server is None:
            return
        try:
            server.handle_chat_completions(body, line.take)
        except (RuntimeError, ValueError) as error:
            line.fail(Mistaken("upstream_refused", f"The local model cannot take the request: {str(error)[:300]}"))
        except Exception as error:  # noqa: BLE001 - a native library; whoever waits must hear of it
            line.fail(Broken("broken", f"The local engine failed: {type(error).__name__}."))
        else:
            line.end()


class _Line:
    """The way of one answer from the library's thread to the event loop."""

    __slots__ = ("_loop", "_queue", "left")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.left = False

    async def next(self) -> bytes | None:
        item = await self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def take(self, chunk: bytes) -> bool:
        """Pass a chunk on; True tells the library to stop."""
        if not self.left:
            self._put(chunk)
        return self.left

    def fail(self, problem: Exception) -> None:
        self._put(problem)
        self.left = True

    def end(self) -> None:
        self._put(None)

    def _put(self, item: bytes | Exception | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # the loop has closed: nobody waits any more
            self.left = True


class Engines:
    """The engines of a process. Whoever asks for the same file and settings shares one.

    Args:
        load: makes the server of a key; blocks while the file is read.

    """

    def __init__(self, load: Callable[[Key], Server]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._open: dict[Key, tuple[Engine, int]] = {}

    def take(self, key: Key) -> Engine:
        """Return the engine of a key, loading it first when nobody else has it. Blocks."""
        with self._lock:  # also while loading: two loads at once would only share the same cores
            engine, users = self._open.get(key) or (Engine(self._load(key), key.slots), 0)
            self._open[key] = (engine, users + 1)
            return engine

    def give(self, key: Key) -> None:
        """Give an engine back; the last one closes it. Blocks for a moment."""
        with self._lock:
            engine, users = self._open[key]
            if users > 1:
                self._open[key] = (engine, users - 1)
                return
            del self._open[key]
            engine.close()


def load(key: Key) -> Server:
    """Load a GGUF file into llama.cpp. Takes seconds and blocks.

    Raises:
        Mistaken: `extra_missing`.
        Broken: `weights_format` when the library cannot read the file.

    """
    library = _library()
    params: Any = library.CommonParams()
    params.model.path = str(key.file)
    params.n_ctx = key.context * key.slots
    params.n_parallel = key.slots
    params.kv_unified = False  # each slot has its own share, so that one long request cannot starve another
    params.n_batch = params.n_ubatch = _BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = key.threads or cores()
    params.warmup = False  # done below, with one token
    params.cache_ram_mib = _PAST
    params.fit_params = False
    params.verbosity = 0
    params.ui = False
    # The library opens a listener that nobody here needs. A socket file in a private folder, removed at once, is one
    # that nobody can reach.
    private = tempfile.mkdtemp(prefix="rowen-")
    params.hostnames = [str(Path(private) / "s.sock")]
    params.api_keys = [os.urandom(16).hex()]
    try:
        server = library.Server(params)
    except RuntimeError as error:
        message = f"llama.cpp cannot load {key.file.name}: it is damaged, of an unknown kind, or memory is short."
        raise Broken("weights_format", message, place=str(key.file)) from error
    finally:
        shutil.rmtree(private, ignore_errors=True)
    # One token warms it up, and proves that the library's own loop is running: a server that is destroyed before its
    # loop has begun waits for ever.
    server.handle_completions(_ONE_TOKEN, lambda _: False)
    loaded: Server = server
    return loaded


def _library() -> ModuleType:
    # Before the library is loaded, once: threads that spin while they wait made 33 tokens take 42.7 s instead of
    # 1.45 s on a busy machine of 2 cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        return import_module("xllamacpp")
    except ModuleNotFoundError as error:
        message = "A local chat model needs `pip install rowen[local]`."
        raise Mistaken("extra_missing", message, place="provider") from error


ENGINES = Engines(load)
"""One for the process: two apps that name the same file must not load it twice."""
