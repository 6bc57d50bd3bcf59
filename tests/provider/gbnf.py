"""Makes texts that a grammar of llama.cpp takes, at random: what a model could write, without asking one.

https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

import random
import re
from collections.abc import Callable

Make = Callable[[int], str]
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{\d+(?:,\d*)?\}|[A-Za-z][A-Za-z0-9-]*|[()|*+?]')
DEEP = 30  # steps from where on the shortest way is taken
NAMED = {"n": "\n", "r": "\r", "t": "\t"}


class Grammar:
    """Rules, read once; `text` gives one of the texts they take."""

    def __init__(self, text: str, chance: random.Random) -> None:
        self._chance = chance
        self._rules: dict[str, Make] = {}
        for line in text.splitlines():
            name, sign, body = line.partition(" ::= ")
            if sign:
                self._tokens = TOKEN.findall(body)
                self._rules[name] = self._either()
                assert not self._tokens, f"not understood: {line}"

    def text(self) -> str:
        return self._rules["root"](0)

    def _either(self) -> Make:
        ways = [self._row()]
        while self._tokens[:1] == ["|"]:
            self._tokens.pop(0)
            ways.append(self._row())

        def make(depth: int) -> str:
            if depth < DEEP:
                return self._chance.choice(ways)(depth + 1)
            last: RecursionError | None = None
            for way in reversed(ways):  # the converter writes what ends last, mostly
                try:
                    return way(depth + 1)
                except RecursionError as error:
                    last = error
            raise last or RecursionError

        return make if len(ways) > 1 else ways[0]

    def _row(self) -> Make:
        parts: list[Make] = []
        while self._tokens and self._tokens[0] not in {"|", ")"}:
            parts.append(self._repeated(self._one()))
        return lambda depth: "".join(part(depth) for part in parts)

    def _one(self) -> Make:
        token = self._tokens.pop(0)
        if token == "(":
            inner = self._either()
            assert self._tokens.pop(0) == ")"
            return inner
        if token[0] == '"':
            text = "".join(characters(token[1:-1]))
            return lambda _: text
        if token[0] == "[":
            among = members(token[1:-1])
            return lambda _: self._chance.choice(among)

        def named(depth: int) -> str:
            if depth > 2 * DEEP:
                raise RecursionError
            return self._rules[token](depth + 1)

        return named

    def _repeated(self, one: Make) -> Make:
        sign = self._tokens[0] if self._tokens else ""
        if sign not in {"*", "+", "?"} and not sign.startswith("{"):
            return one
        self._tokens.pop(0)
        if sign[0] == "{":
            low, _, high = sign[1:-1].partition(",")
            least, most = int(low), int(high or low) if "," not in sign or high else int(low) + 3
        else:
            least, most = {"*": (0, 3), "+": (1, 3), "?": (0, 1)}[sign]

        def make(depth: int) -> str:
            times = least if depth > DEEP else self._chance.randint(least, max(least, most))
            return "".join(one(depth + 1) for _ in range(times))

        return make


def characters(text: str) -> list[str]:
    """Return the characters of a literal or class, with what a backslash stands for."""
    found = []
    for each in re.findall(r"\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|.", text, re.DOTALL):
        if each[:2] in {"\\x", "\\u"} and len(each) > 2:
            found.append(bytes.fromhex(each[2:].rjust(4, "0")).decode("utf-16-be"))
        else:
            found.append(NAMED.get(each[1], each[1]) if each[0] == "\\" else each)
    return found


def members(text: str) -> list[str]:
    """Return the characters of a class; of all but some, those that are troublesome in JSON and a few others."""
    inverted = text.startswith("^")
    listed, found = characters(text.removeprefix("^")), set()
    while listed:
        first = listed.pop(0)
        if len(listed) > 1 and listed[0] == "-":
            found |= {chr(code) for code in range(ord(first), ord(listed[1]) + 1)}
            del listed[:2]
        else:
            found.add(first)
    everything = {'"', "\\", "\n", "\r", "\t", "\x01", *"ab z09{}[]:,é"}
    return sorted(everything - found if inverted else found)
