"""Shorter prompts: what could go by rule, what that saves, and whether a run shows that nothing was lost by it."""

import re
from collections.abc import Callable

from rowen.evaluate.compare import Comparison, Piece, pieces_of
from rowen.evaluate.near import near
from rowen.values import Value
from rowen.values.words import sentences

CountText = Callable[[str], int]

_FILLER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b{pattern}", re.IGNORECASE), instead)
    for pattern, instead in (
        (r"please note that ", ""),
        (r"it is (?:very |really )?important (?:to note )?that ", ""),
        (r"it should be noted that ", ""),
        (r"keep in mind that ", ""),
        (r"as an ai (?:language )?model,? ", ""),
        (r"in order to ", "to "),
        (r"make sure (?:that you |to )", ""),
        (r"be sure to ", ""),
        (r"you (?:should|must|need to) always ", "always "),
        (r"due to the fact that ", "because "),
        (r"at this point in time", "now"),
        (r"in the event that ", "if "),
        (r"a (?:large|great) number of ", "many "),
        (r"with regard to ", "about "),
        (r"for the purpose of ", "for "),
        (r"(?:very|really|extremely) (?=\w)", ""),
        (r"please ", ""),
        (r"kindly ", ""),
    )
)
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n?")
_RULE = re.compile(r"^[ \t]*[-=_*#~]{4,}[ \t]*$\n?", re.MULTILINE)
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_WIDE = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")
_FENCED = re.compile(r"(```.*?```|\{\{.*?\}\}|\{%.*?%\}|<[^<>\n]{1,60}>)", re.DOTALL)


class Cutting(Value, frozen=True, kw_only=True):
    """One thing that could go."""

    rule: str
    was: str
    becomes: str = ""
    tokens: int = 0
    """Tokens that it saves, about."""


class Shortened(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A prompt and what is left of it."""

    text: str
    before: int
    """Tokens, about."""
    after: int
    cuttings: tuple[Cutting, ...]
    pieces: tuple[Piece, ...]
    """Both texts as the words that they share and those that only the longer one has."""


def shorten(text: str, count: CountText) -> Shortened:
    """Return a prompt without what says nothing: filler, sentences that say what was said, lines that are drawn.

    Code between fences, variables and tags stay as they are. What is left means the same to a reader; whether it does to a
    model only a run can tell.
    """
    cuttings: list[Cutting] = []
    short = "".join(
        part if place % 2 else _plain(part, count, cuttings) for place, part in enumerate(_FENCED.split(text))
    )
    short = _once(short, count, cuttings)
    tidy = _BLANK.sub("\n\n", _TRAILING.sub("", short)).strip() + ("\n" if text.endswith("\n") else "")
    if tidy != short:
        saved = count(short) - count(tidy)
        cuttings += [Cutting(rule="blank lines and spaces", was="", tokens=saved)] if saved > 0 else []
    return Shortened(
        text=tidy,
        before=count(text),
        after=count(tidy),
        cuttings=tuple(cuttings),
        pieces=tuple(pieces_of(text, tidy)),
    )


def refused(found: Comparison, shortened: Shortened, metric: str = "") -> str:
    """Return why a shorter prompt is not to be taken, by a comparison of runs with the long and the short one; empty if it is.

    It must be shorter, and the metric that decides not worse by more than the margin of the plan; so must all guards.
    """
    if shortened.after >= shortened.before:
        return f"it is not shorter: {shortened.after} tokens for {shortened.before}"
    name = metric or found.metric
    watched = [each for each in found.differences if each.metric == name or each.role in {"primary", "guard"}]
    if not any(each.metric == name for each in watched):
        return f"{name} was not measured in both runs"
    poor = [each for each in watched if each.standing not in {"better", "not worse"}]
    said = [
        f"{each.metric} is {each.standing}: {each.difference}{'' if each.margin else '; the plan has no margin for it'}"
        for each in poor
    ]
    return "; ".join(said)


def _plain(text: str, count: CountText, cuttings: list[Cutting]) -> str:
    for rule, pattern in (("lines that are drawn", _RULE), ("wide spaces", _WIDE)):
        changed = pattern.sub(" " if pattern is _WIDE else "", text)
        if changed != text:
            cuttings.append(Cutting(rule=rule, was="", tokens=max(0, count(text) - count(changed))))
            text = changed
    for pattern, instead in _FILLER:
        while found := pattern.search(text):
            changed = _joined(text, found.start(), found.end(), instead)
            saved = count(text) - count(changed)
            cuttings.append(Cutting(rule="filler", was=found[0].strip(), becomes=instead.strip(), tokens=max(0, saved)))
            text = changed
    return text


def _joined(text: str, start: int, end: int, instead: str) -> str:
    """Return a text with a stretch of it exchanged; a sentence that loses its beginning begins with a capital again."""
    capital = text[start].isupper()
    rest = instead + text[end:]
    return text[:start] + (rest[:1].upper() + rest[1:] if capital else rest)


def _once(text: str, count: CountText, cuttings: list[Cutting]) -> str:
    """Return a text without sentences that nearly repeat earlier ones."""
    said = [each for each in sentences(text) if len(each.split()) >= 5]
    for place, first in enumerate(near(said, alike=0.8)):
        if first != place and said[place] in text:
            at = text.rindex(said[place])
            text = text[:at].rstrip(" ") + text[at + len(said[place]) :]
            cuttings.append(Cutting(rule="repetition", was=said[place], tokens=count(said[place])))
    return text
