"""The grammar of an answer that has a form, without the blanks and fences that llama.cpp leaves a model free to write.

llama.cpp makes a grammar of a JSON schema and tells it when it is asked to. Between any two tokens of JSON that grammar
takes a blank, or line breaks and blanks, and around the whole a Markdown fence: a small model writes them, and each costs
as much as a token of the answer. What is left is one blank after each colon and comma, which models write of themselves, and
by which people and scorers tell words apart. The grammar is taken as the library made it, so that a schema is refused or followed as
ever, and is only made narrower; one that looks otherwise than expected is left alone.
https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from contextlib import aclosing
from weakref import WeakValueDictionary

import msgspec

from rowen.provider.local.engine import Engine
from rowen.provider.local.wire import Asked

_MOST = 64  # forms that are remembered; a caller may send a new one with each request
_TOLD = b'"__verbose"'
_RULE = re.compile(r"^([A-Za-z0-9-]+) ::= (.*)$")
_TERMINAL = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]')
_PART = re.compile(rf'(?P<mark>"[:,])" space\b|{_TERMINAL.pattern}')
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_FORM, _BLANK = "response-format", "space"
_FENCES = frozenset({'"```json"', '"```"'})
# What a JSON string holds only after a backslash. The library's own classes for "any character" (of a schema's pattern, of a
# text in free JSON) take these as they are, which no reader of JSON does.
_ESCAPED = r"[^\"\\\x00-\x1F"


class _Settings(msgspec.Struct):
    grammar: str = ""
    generation_prompt: str = ""


class _Verbose(msgspec.Struct):
    generation_settings: _Settings


class _Chunk(msgspec.Struct):
    verbose: _Verbose = msgspec.field(name="__verbose")


_CHUNK = msgspec.json.Decoder(_Chunk)


class Grammars:
    """The narrow grammars of one model, each made when its form is first asked for."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, str] = OrderedDict()
        self._asking: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def body(self, asked: Asked, engine: Engine) -> bytes:
        """Return the body to send: with the narrow grammar of its form, or as it is where there is none.

        Raises:
            Mistaken: `upstream_refused` when the library cannot make a grammar of the schema.
            Unavailable: `shutting_down`.

        """
        if not asked.form:
            return asked.body
        key = hashlib.blake2b(asked.form, digest_size=16).digest()
        if key not in self._known:
            # Who comes meanwhile with the same form waits: the beginning of the prompt would be computed for each of them.
            async with self._asking.setdefault(key, asyncio.Lock()):
                if key not in self._known:
                    settings = await _told(asked, engine)
                    if settings is None:  # the request cannot be answered, and says why when it is sent
                        return asked.body
                    self._known[key] = narrowed(settings.grammar, settings.generation_prompt)
        self._known.move_to_end(key)
        grammar = self._known[key]
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return asked.within(grammar) if grammar else asked.body


async def _told(asked: Asked, engine: Engine) -> _Settings | None:
    """Ask for one token of the same prompt, which is computed only once for that, and for how it was made."""
    async with aclosing(engine.ask(asked.told)) as chunks:
        async for chunk in chunks:
            if _TOLD in chunk:
                return _CHUNK.decode(chunk).verbose.generation_settings
    return None


def narrowed(grammar: str, prompt: str) -> str:
    """Return a grammar that takes of its answers those without optional blanks and fences; empty where that is not plain.

    Args:
        grammar: rules in GBNF, as llama.cpp makes them of a schema.
        prompt: what the chat template opens the answer with; the grammar begins with it.

    """
    rules = [(found[1], found[2]) for line in grammar.splitlines() if (found := _RULE.match(line))]
    if not _plain(dict(rules).get("root", ""), prompt):
        return ""
    changed = {"root": _FORM, _BLANK: '""'}
    return "\n".join(f"{name} ::= {changed.get(name) or _PART.sub(_part, body)}" for name, body in rules)


def _plain(root: str, prompt: str) -> bool:
    """Whether the answer is the form and nothing else: no thoughts before it, no tools beside it."""
    texts = _TERMINAL.findall(root)
    if set(_NAME.findall(_TERMINAL.sub("", root))) != {_FORM, _BLANK}:
        return False
    if prompt:
        first, *texts = texts or [""]
        try:
            if not root.startswith(first) or msgspec.json.decode(first, type=str) != prompt:
                return False
        except msgspec.DecodeError:
            return False
    return set(texts) <= _FENCES


def _part(found: re.Match[str]) -> str:
    """A mark with its blank; a class of all characters but some, without those that JSON wants escaped; else the same."""
    if found["mark"]:
        return f'{found["mark"]} "'
    return _ESCAPED + found[0][2:] if found[0].startswith("[^") else found[0]
