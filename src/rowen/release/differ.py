"""How two Definitions differ: the text of prompts word by word, every setting by its place, and what of it costs money."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal

import msgspec

from rowen.evaluate.compare.words import LONGEST, pieces_of
from rowen.values import Definition, Value

Section = Literal["prompt", "models", "knowledge", "guards", "limits", "judging", "objectives", "release", "app"]

SECTIONS: dict[Section, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "models": ("models",),
    "knowledge": ("retrieve",),
    "guards": ("guard",),
    "limits": ("limits",),
    "judging": ("score", "metrics", "evaluate"),
    "objectives": ("watch", "sla", "kpi", "alerts", "oncall", "digest"),
    "release": ("release",),
    "app": ("app", "trace"),
}
"""Where the tables of an app are shown; a table that stands nowhere here is shown with the app."""

_COSTLY = frozenset(
    [
        "provider",
        "model",
        "price",
        "fallback",
        "hedge_after",
        "retries",
        "cache",
        "ttl",
        "embed",
        "rerank",
        "top",
        "budget",
        "tokens",
        "max_tokens",
        "sample",
        "tools",
        "weight",
        "strategy",
    ]
)
"""Names of settings on which the cost of a call hangs."""

_CONTEXT = 2
"""Lines that are shown before and behind those that differ."""


class Bit(Value, frozen=True, kw_only=True):
    """A stretch of a text: in both, on one side alone, or left out because it is the same."""

    kind: Literal["same", "left", "right", "skipped"]
    text: str


class Text(Value, frozen=True, kw_only=True):
    """One file of an app that differs."""

    name: str
    section: Section
    bits: tuple[Bit, ...]
    only: Literal["", "left", "right"] = ""
    """The one side that has it at all."""


class Setting(Value, frozen=True, kw_only=True):
    """One setting that differs. None where it is not written."""

    place: str
    """Its keys, joined by dots: `models.fast.model`, `score[0].kind`."""
    section: Section
    left: Any = None
    right: Any = None
    costs: bool = False
    """Whether the cost of a call hangs on it."""


class Diff(Value, frozen=True, kw_only=True):
    """How two Definitions differ."""

    left: str
    right: str
    settings: tuple[Setting, ...] = ()
    texts: tuple[Text, ...] = ()
    costs: tuple[str, ...] = ()
    """What would change the cost of a call, in sentences."""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.settings and not self.texts

    def of(self, section: Section) -> tuple[tuple[Setting, ...], tuple[Text, ...]]:
        """Return what differs in one section."""
        settings = tuple(each for each in self.settings if each.section == section)
        return settings, tuple(each for each in self.texts if each.section == section)


def differ(left: Definition, right: Definition) -> Diff:
    """Return how two Definitions differ, settings by place, files by name."""
    settings = tuple(_settings(left.source, right.source))
    naming = {**_naming(left.source), **_naming(right.source)}
    texts = tuple(_texts(left.files, right.files, naming))
    return Diff(left=left.hash, right=right.hash, settings=settings, texts=texts, costs=tuple(_costs(settings, texts)))


def flat(source: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every setting with its place. A reference to a secret is one setting, and so is a list of plain values."""
    if isinstance(source, Mapping) and not secret(source):
        for key in sorted(source):
            yield from flat(source[key], f"{place}.{key}" if place else key)
    elif isinstance(source, list | tuple) and any(isinstance(each, Mapping) for each in source):
        for number, each in enumerate(source):
            yield from flat(each, f"{place}[{number}]")
    else:
        yield place, source


def secret(value: Any) -> bool:
    """Whether a setting is a reference to a secret: `{ env = … }` or `{ file = … }`."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in ("env", "file")


def said(value: Any) -> str:
    """Return a setting as people read it; a dash where it is not written."""
    return "–" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def section_of(place: str) -> Section:
    """Return where a setting is shown."""
    table = place.partition(".")[0].partition("[")[0]
    return next((section for section, tables in SECTIONS.items() if table in tables), "app")


def _settings(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Setting]:
    ours, theirs = dict(flat(left)), dict(flat(right))
    for place in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(place), theirs.get(place)
        if one != other:
            names = {part.partition("[")[0] for part in place.split(".")}
            yield Setting(place=place, section=section_of(place), left=one, right=other, costs=bool(names & _COSTLY))


def _naming(source: Mapping[str, Any]) -> dict[str, Section]:
    """Return in which section each file is named."""
    return {value: section_of(place) for place, value in flat(source) if isinstance(value, str)}


def _texts(left: Mapping[str, str], right: Mapping[str, str], naming: Mapping[str, Section]) -> Iterator[Text]:
    for name in sorted(left.keys() | right.keys()):
        one, other = left.get(name), right.get(name)
        if one == other:
            continue
        only: Literal["", "left", "right"] = "right" if one is None else "left" if other is None else ""
        yield Text(name=name, section=naming.get(name, "app"), bits=tuple(bits(one or "", other or "")), only=only)


def bits(left: str, right: str) -> Iterator[Bit]:
    """Yield two texts as what they share and what only one has: first by lines, then by the words of lines that differ."""
    a, b = left.splitlines(keepends=True), right.splitlines(keepends=True)
    codes = SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes()
    for number, (kind, a0, a1, b0, b1) in enumerate(codes):
        if kind != "equal":
            yield from _words("".join(a[a0:a1]), "".join(b[b0:b1]))
            continue
        lines = a[a0:a1]
        head = _CONTEXT if number else 0
        tail = _CONTEXT if number < len(codes) - 1 else 0
        if len(lines) <= head + tail + 1:
            yield Bit(kind="same", text="".join(lines))
            continue
        if head:
            yield Bit(kind="same", text="".join(lines[:head]))
        yield Bit(kind="skipped", text=f"{len(lines) - head - tail} lines are the same")
        if tail:
            yield Bit(kind="same", text="".join(lines[-tail:]))


def _words(left: str, right: str) -> Iterator[Bit]:
    if max(len(left), len(right)) > LONGEST:  # fewer words than that for certain; more would not be compared whole
        yield from (Bit(kind="left", text=left),) if left else ()
        yield from (Bit(kind="right", text=right),) if right else ()
        return
    for piece in pieces_of(left, right):
        yield Bit(kind=piece.kind, text=piece.text)


def _costs(settings: tuple[Setting, ...], texts: tuple[Text, ...]) -> Iterator[str]:
    for each in settings:
        if each.costs:
            yield f"{each.place}: {said(each.left)} → {said(each.right)}"
    for text in texts:
        if text.section == "prompt":
            gone = sum(len(bit.text.split()) for bit in text.bits if bit.kind == "left")
            new = sum(len(bit.text.split()) for bit in text.bits if bit.kind == "right")
            if gone != new:
                yield f"{text.name}: {abs(new - gone):,} words {'more' if new > gone else 'fewer'} in every call"
