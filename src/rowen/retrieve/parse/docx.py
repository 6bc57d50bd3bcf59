"""Parser: DOCX (ECMA-376). Read from its XML, since text stands in places that libraries for writing pass over."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from rowen.retrieve.parse.archive import Archive, facts, opened, said, tag_of
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.rows import lines_of
from rowen.retrieve.parse.writer import Writer

_HEADING = re.compile(r"(?:heading|titre|überschrift|título|titolo|kop)\s*([1-9])", re.IGNORECASE)
_NOT_TEXT = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "sectPr", "drawing", "pict"})
_HOLDERS = frozenset(
    {"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "body", "document", "AlternateContent", "Choice"}
)


def parse(data: bytes, _: str, limits: Limits) -> Parsed:
    """Return the text of a document: what was deleted or is hidden is not in it, footnotes are at its end."""
    with opened(data, limits) as archive:
        levels = _levels(archive)
        writer = Writer()
        for block in _blocks(archive.xml("word/document.xml")):
            _write(block, levels, writer)
        _write_notes(archive, writer)
        known = facts(archive)
    titles = [heading.title for heading in writer.headings if heading.level <= 1]
    return Parsed(
        text=writer.text,
        kind="docx",
        title=known.get("title") or (titles[0] if titles else ""),
        language=known.get("language", ""),
        sections=writer.sections,
        metadata={"author": known["creator"]} if known.get("creator") else {},
    )


def _blocks(element: Element) -> Iterator[Element]:
    for inner in element:
        tag = tag_of(inner)
        if tag in {"p", "tbl"}:
            yield inner
        elif tag in _HOLDERS:
            yield from _blocks(inner)


def _write(block: Element, levels: dict[str, int], writer: Writer) -> None:
    if tag_of(block) == "tbl":
        writer.block(2)
        for line in lines_of(_rows(block)):
            writer.exact(line)
            writer.block()
        writer.block(2)
        return
    text = "".join(_text(block))
    level = _level(block, levels)
    if level and text.strip():
        writer.heading(level, text)
    elif text.strip():
        writer.block(1 if _listed(block) else 2)
        writer.exact(("- " if _listed(block) else "") + text.strip())
        writer.block(1 if _listed(block) else 2)
    for box in block.iter():
        if tag_of(box) == "txbxContent" and tag_of(block) == "p":
            for inner in _blocks(box):
                _write(inner, levels, writer)


def _text(element: Element) -> Iterator[str]:
    for inner in element:
        tag = tag_of(inner)
        if tag == "t":
            yield inner.text or ""
        elif tag == "tab":
            yield "\t"
        elif tag in {"br", "cr"}:
            yield "\n"
        elif tag == "noBreakHyphen":
            yield "-"
        elif tag not in _NOT_TEXT and not (tag == "r" and _hidden(inner)):
            yield from _text(inner)


def _hidden(run: Element) -> bool:
    return any(
        tag_of(each) == "vanish" and said(each, "val") not in {"0", "false"}
        for style in run
        if tag_of(style) == "rPr"
        for each in style
    )


def _rows(table: Element) -> list[list[str]]:
    return [
        [
            " ".join(" ".join("".join(_text(block)) for block in _blocks(cell) if tag_of(block) == "p").split())
            for cell in row
            if tag_of(cell) == "tc"
        ]
        for row in table
        if tag_of(row) == "tr"
    ]


def _style(block: Element, name: str) -> Element | None:
    for style in block:
        if tag_of(style) == "pPr":
            return next((each for each in style if tag_of(each) == name), None)
    return None


def _level(block: Element, levels: dict[str, int]) -> int:
    outline = _style(block, "outlineLvl")
    if outline is not None and said(outline, "val").isdecimal() and int(said(outline, "val")) < 9:
        return int(said(outline, "val")) + 1
    style = _style(block, "pStyle")
    return levels.get(said(style, "val"), 0) if style is not None else 0


def _listed(block: Element) -> bool:
    return _style(block, "numPr") is not None


def _levels(archive: Archive) -> dict[str, int]:
    """Return the level of each style that is a heading, by the style's id."""
    root = archive.maybe("word/styles.xml")
    found: dict[str, int] = {}
    for style in root if root is not None else ():
        name = next((said(each, "val") for each in style if tag_of(each) == "name"), "")
        if match := _HEADING.match(name):
            found[said(style, "styleId")] = int(match[1])
        elif name.lower() == "title":
            found[said(style, "styleId")] = 1
    return found


def _write_notes(archive: Archive, writer: Writer) -> None:
    for part in ("word/footnotes.xml", "word/endnotes.xml"):
        root = archive.maybe(part)
        for note in root if root is not None else ():
            text = " ".join("".join(_text(note)).split())
            if text and not said(note, "type"):
                writer.block()
                writer.exact(f"[{said(note, 'id')}] {text}")
