"""Parser: Markdown. The text stays as it is written; headings become sections, front matter becomes metadata."""

import re
from collections.abc import Iterator

from rowen.retrieve.parse.base import Heading, Limits, Parsed, sections_of
from rowen.retrieve.parse.decode import decoded
from rowen.retrieve.parse.front import front_of
from rowen.values import Fact

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\Z")
_UNDER = re.compile(r" {0,3}(=+|-{2,})[ \t]*\Z")
_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`]+|\{#[^}]*\}")


def parse(data: bytes, _: str, __: Limits) -> Parsed:
    """Return Markdown with its sections."""
    found = decoded(data)
    front = front_of(found.text)
    text = found.text[front.begins :]
    headings = list(headings_of(text))
    first = next((heading.title for heading in headings if heading.level == 1), "")
    return Parsed(
        text=text,
        kind="markdown",
        title=str(front.facts.get("title") or first),
        language=str(front.facts.get("lang") or front.facts.get("language") or ""),
        sections=sections_of(headings, len(text)),
        metadata={key: value for key, value in front.facts.items() if key not in {"title", "access"}},
        access=groups(front.facts.get("access")),
        flags=("recoded",) if found.encoding else (),
    )


def groups(said: Fact | None) -> tuple[str, ...]:
    """Return the groups that front matter names, one or a list."""
    if said is None or said == "":
        return ()
    return said if isinstance(said, tuple) else (str(said),)


def headings_of(text: str) -> Iterator[Heading]:
    """Yield the headings outside of code, both ways of writing them (https://spec.commonmark.org/0.31.2/)."""
    at = 0
    fence = ""
    before: tuple[int, str] | None = None  # a line of a paragraph that an underline would make a heading
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        mark = _FENCE.match(bare)
        if fence:
            if mark and mark[1].startswith(fence) and not bare.strip().strip(fence[0]):
                fence = ""
            before = None
        elif mark:
            fence, before = mark[1], None
        elif (found := _ATX.match(bare)) and (found[2] or "").strip():
            yield Heading(at, len(found[1]), _words(found[2]))
            before = None
        elif before and (under := _UNDER.match(bare)):
            yield Heading(before[0], 1 if under[1][0] == "=" else 2, _words(before[1]))
            before = None
        else:
            begins_text = bool(bare.strip()) and not bare.startswith(("    ", "\t", ">", "- ", "* ", "|"))
            before = (at, bare) if begins_text else None
        at += len(line)


def _words(title: str) -> str:
    return " ".join(_MARKS.sub(lambda found: found[1] or "", title).split())
