"""Reads a line of text as a query over traces.

    status:failed model:gpt-4.1-mini latency>2s any(type:tool and status:error) score.helpful<0.5 "money back"

Terms that stand side by side must all hold; `or`, `not` (or `-`) and brackets as expected. A comparison is a field, one
of `:` `=` `!=` `<` `<=` `>` `>=` `~` (contains), and a value, in quotes where it has spaces. Durations are `250ms`, `2s`,
`5m`; money is `0.01` or `$0.01`. `rollout:ID` and `arm:ID/candidate` find what a rollout assigned. Fields of the session are `session.NAME`, scores are `score.NAME`. Over the spans of a
trace: `any(…)`, `all(…)`, `len(…) > 3`, and `sum(cost) > 1`, `max(latency where type:llm) > 5s`, likewise `min`, `avg`.
What is not a comparison is looked for in what was asked and answered; in quotes, as a phrase.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Literal, cast, get_args

import re2

from rowen.values import Mistaken
from rowen.values.query import (
    SESSION_FIELDS,
    SPAN_FIELDS,
    TRACE_FIELDS,
    Comparison,
    Either,
    Every,
    Holds,
    Level,
    Query,
    QueryField,
    Says,
    Spans,
    Unless,
)

LONGEST = 2000
"""Characters of a query at most."""
DEEPEST = 20
"""Levels of brackets at most."""

_MARKS = ("rollout", "arm")
"""Names whose values are tags that begin so: `rollout:ID`, `arm:ID/candidate`."""

_TOKEN = re2.compile(r'\s*(?:("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(!=|<=|>=|[:=<>~()])|([^\s:=<>~()"\'!]+|!))')
_VALUE = re2.compile(r'\s*(?:("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|([()])|([^\s()"\']+))')
"""What stands after a comparison: `qwen3:8b` and `http://…` need no quotes there."""
_DURATION = re2.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)?")
_NANOSECONDS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, None: 1e6}
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_ORDERED = {"<", "<=", ">", ">="}
_TAKES = ("any", "all", "len", "sum", "max", "min", "avg")
_LEVELS: dict[Level, Mapping[str, QueryField]] = {"trace": TRACE_FIELDS, "span": SPAN_FIELDS, "session": SESSION_FIELDS}

Take = Literal["any", "all", "len", "sum", "max", "min", "avg"]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: Literal["quoted", "mark", "word", "end"]
    at: int


def query_of(text: str) -> Query | None:
    """Return the query that a line of text means; None when it is empty.

    Raises:
        Mistaken: `field_invalid`, saying at which character, what was expected, and the nearest name.

    """
    if len(text) > LONGEST:
        raise Mistaken("field_invalid", f"a query has at most {LONGEST} characters", place="q")
    reader = _Reader(_tokens(text))
    if reader.ended():
        return None
    found = reader.either("trace", 0)
    if not reader.ended():
        raise reader.wrong("there is nothing here that this could close")
    return found


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        compared = bool(tokens) and tokens[-1].kind == "mark" and tokens[-1].text not in {"(", ")"}
        match = (_VALUE if compared else _TOKEN).match(text, at)
        if match is None:
            raise Mistaken("field_invalid", f"a quote is not closed (character {at + 1})", place="q")
        quoted, mark, word = match.groups()
        start = match.end() - len(quoted or mark or word)
        if quoted:
            tokens.append(_Token(_unquoted(quoted), "quoted", start))
        elif mark:
            tokens.append(_Token(mark, "mark", start))
        else:
            tokens.append(_Token(word, "word", start))
        at = match.end()
    return [*tokens, _Token("", "end", len(text))]


def _unquoted(text: str) -> str:
    out, inner, escaped = [], text[1:-1], False
    for char in inner:
        if char == "\\" and not escaped:
            escaped = True
            continue
        out.append(char)
        escaped = False
    return "".join(out)


class _Reader:
    """Recursive descent over the tokens of one query."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def now(self) -> _Token:
        return self._tokens[self._place]

    def ended(self) -> bool:
        return self.now.kind == "end"

    def wrong(self, sentence: str) -> Mistaken:
        return Mistaken("field_invalid", f"{sentence} (character {self.now.at + 1})", place="q")

    def either(self, level: Level, depth: int) -> Query:
        parts = [self._every(level, depth)]
        while self._word("or"):
            parts.append(self._every(level, depth))
        return parts[0] if len(parts) == 1 else Either(parts=tuple(parts))

    def _every(self, level: Level, depth: int) -> Query:
        parts = [self._one(level, depth)]
        while self.now.kind != "end" and self.now.text != ")" and not self._is("or"):
            self._word("and")
            parts.append(self._one(level, depth))
        return parts[0] if len(parts) == 1 else Every(parts=tuple(parts))

    def _one(self, level: Level, depth: int) -> Query:
        token = self.now
        if depth > DEEPEST:
            raise self.wrong(f"conditions are nested more than {DEEPEST} deep")
        if token.kind == "end":
            raise self.wrong("a condition is missing")
        if token.kind == "quoted":
            self._place += 1
            return self._text(level, token, phrase=True)
        if token.kind == "mark":
            if token.text != "(":
                raise self.wrong(f"a field is missing before {token.text!r}")
            self._place += 1
            inner = self.either(level, depth + 1)
            self._close()
            return inner
        if self._word("not"):
            return Unless(part=self._one(level, depth + 1))
        if token.text.startswith("-") and len(token.text) > 1:
            self._tokens[self._place] = _Token(token.text[1:], "word", token.at + 1)
            return Unless(part=self._one(level, depth + 1))
        self._place += 1
        if self.now.text == "(" and self.now.kind == "mark" and token.text in _TAKES:
            return self._spans(cast("Take", token.text), level, depth)
        if self.now.kind == "mark" and self.now.text in {":", *get_args(Comparison)}:
            return self._compared(level, token)
        return self._text(level, token, phrase=False)

    def _text(self, level: Level, token: _Token, *, phrase: bool) -> Says:
        if level != "trace":
            raise Mistaken(
                "field_invalid",
                f"among spans, say where to look, as `input~{token.text[:20]}` (character {token.at + 1})",
                place="q",
            )
        return Says(text=token.text, phrase=phrase)

    def _spans(self, take: Take, level: Level, depth: int) -> Spans:
        if level == "span":
            raise self.wrong(f"`{take}(…)` cannot stand within another one")
        self._place += 1
        field = ""
        where: Query | None = None
        if take in {"any", "all", "len"}:
            if not (take == "len" and self.now.text == ")"):
                where = self.either("span", depth + 1)
        else:
            field = self._number_field()
            if self._word("where"):
                where = self.either("span", depth + 1)
        self._close()
        if take in {"any", "all"}:
            return Spans(take=take, where=where)
        how = self._how()
        kind: QueryField = SPAN_FIELDS[field] if field else QueryField("number", "")
        value = self._value(kind, field or "len")
        return Spans(take=take, where=where, field=field, how=how, value=float(value))

    def _number_field(self) -> str:
        name = self.now.text
        known = [each for each, field in SPAN_FIELDS.items() if field.kind in {"number", "duration", "money"}]
        if name not in known:
            raise self.wrong(f"{name[:40]!r} is no number of a span{_near(name, known)}")
        self._place += 1
        return name

    def _compared(self, level: Level, token: _Token) -> Holds:
        if level == "trace" and token.text in _MARKS:
            found = self._compared(level, _Token("tag", "word", token.at))
            return found.but(value=f"{token.text}:{found.value}")
        level, name, field = self._field(level, token)
        how = self._how()
        if field.kind == "score" and how in {"=", "!="} and (label := self._label()) is not None:
            return Holds(level=level, field=name, how=how, value=label)
        allowed = {
            "text": {"=", "!=", "~"},
            "list": {"=", "!=", "~"},
            "attribute": {"=", "!="},
            "flag": {"=", "!="},
        }.get(field.kind, {"=", "!=", *_ORDERED})
        if how not in allowed:
            raise self.wrong(f"`{token.text[:40]}` is compared by {', '.join(sorted(allowed))}, not by {how}")
        return Holds(level=level, field=name, how=how, value=self._value(field, token.text))

    def _label(self) -> str | None:
        """A score may be a category: what is neither a number nor true or false is its label."""
        token = self.now
        if token.kind not in {"word", "quoted"} or _read(QueryField("score", ""), token.text) is not None:
            return None
        self._place += 1
        return token.text

    def _field(self, level: Level, token: _Token) -> tuple[Level, str, QueryField]:
        name = token.text
        head, dot, rest = name.partition(".")
        if level == "trace" and dot and head == "score" and rest:
            return "score", rest, QueryField("score", rest)
        if level == "trace" and dot and head == "session":
            level, name = "session", rest
        elif level == "span" and dot and head == "attribute" and rest:
            return "span", name, QueryField("attribute", name)
        known = _LEVELS[level]
        if name not in known:
            more = ["score.NAME"] if level == "trace" else ["attribute.NAME"] if level == "span" else []
            raise Mistaken(
                "field_invalid",
                f"unknown field {token.text[:40]!r} (character {token.at + 1}){_near(name, [*known, *_MARKS, *more])}",
                place="q",
            )
        return level, name, known[name]

    def _how(self) -> Comparison:
        text = "=" if self.now.text == ":" else self.now.text
        if self.now.kind != "mark" or text not in get_args(Comparison):
            raise self.wrong("a comparison is missing: one of : = != < <= > >=")
        self._place += 1
        return cast("Comparison", text)

    def _value(self, field: QueryField, name: str) -> float | bool | str:
        token = self.now
        if token.kind not in {"word", "quoted"}:
            raise self.wrong(f"a value is missing after `{name[:40]}`")
        value = _read(field, token.text)
        if value is None:
            wanted = {
                "number": "a number",
                "score": "a number, true or false",
                "duration": "a duration such as 250ms or 2s",
                "money": "an amount such as 0.01",
                "flag": "true or false",
            }[field.kind]
            raise self.wrong(f"`{name[:40]}` is compared with {wanted}, not with {token.text[:40]!r}")
        self._place += 1
        return value

    def _close(self) -> None:
        if self.now.text != ")" or self.now.kind != "mark":
            raise self.wrong("a bracket is not closed")
        self._place += 1

    def _is(self, word: str) -> bool:
        return self.now.kind == "word" and self.now.text.lower() == word

    def _word(self, word: str) -> bool:
        found = self._is(word)
        self._place += found
        return found


def _read(field: QueryField, text: str) -> float | bool | str | None:
    """Return a value as its field compares it, None when it is not one."""
    match field.kind:
        case "text" | "list" | "attribute":
            return text
        case "score":
            flag = _FLAGS.get(text.lower()) if text.isalpha() else None
            return _number(text) if flag is None else float(flag)
        case "flag":
            return _FLAGS.get(text.lower())
        case "duration":
            match = _DURATION.fullmatch(text)
            return float(match[1]) * _NANOSECONDS[match[2]] if match else None
        case _:
            return _number(text.lstrip("$") if field.kind == "money" else text)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name[:60], known, n=1)
    return f" — did you mean {near[0]!r}?" if near else ""
