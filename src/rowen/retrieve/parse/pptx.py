"""Parser: PPTX (ECMA-376). Each slide is a section under its title, with its tables and the speaker's notes."""

import posixpath
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from rowen.retrieve.parse.archive import Archive, facts, opened, said, tag_of
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.rows import lines_of
from rowen.retrieve.parse.writer import Writer
from rowen.values import Fact

_SHOWN = "ppt/presentation.xml"


def parse(data: bytes, _: str, limits: Limits) -> Parsed:
    """Return the slides in the order they are shown; hidden ones are left out."""
    with opened(data, limits) as archive:
        writer = Writer()
        number = 0
        for name in _slides(archive):
            slide = archive.xml(name)
            if said(slide, "show") in {"0", "false"}:
                continue
            number += 1
            _write(slide, number, writer)
            for target in _targets(archive, name, "notesSlide"):
                notes = list(_bodies(archive.xml(target)))
                if notes:
                    writer.block(2)
                    writer.exact("Notes: " + "\n".join(notes))
                    writer.block(2)
        known = facts(archive)
    metadata: dict[str, Fact] = {"slides": number}
    if known.get("creator"):
        metadata["author"] = known["creator"]
    return Parsed(
        text=writer.text,
        kind="pptx",
        title=known.get("title") or (writer.headings[0].title if writer.headings else ""),
        language=known.get("language", ""),
        sections=writer.sections,
        metadata=metadata,
    )


def _write(slide: Element, number: int, writer: Writer) -> None:
    titles = [shape for shape in slide.iter() if tag_of(shape) == "sp" and _place(shape) in {"title", "ctrTitle"}]
    title = " ".join(" ".join(_paragraphs(shape)) for shape in titles).strip()
    if title:
        writer.heading(1, title)
    else:
        writer.here(1, f"slide {number}")
    for shape in slide.iter():
        tag = tag_of(shape)
        if tag == "sp" and shape not in titles and _place(shape) not in {"sldNum", "dt", "ftr"}:
            writer.block(2)
            for line in _paragraphs(shape):
                writer.exact(line)
                writer.block()
        elif tag == "tbl":
            writer.block(2)
            rows = [
                [" ".join(_paragraphs(cell)) for cell in row if tag_of(cell) == "tc"]
                for row in shape
                if tag_of(row) == "tr"
            ]
            for line in lines_of(rows):
                writer.exact(line)
                writer.block()


def _bodies(notes: Element) -> Iterator[str]:
    for shape in notes.iter():
        if tag_of(shape) == "sp" and _place(shape) == "body":
            yield from _paragraphs(shape)


def _place(shape: Element) -> str:
    """Return what a shape is for: `title`, `body`, …; empty for one that stands by itself."""
    holder = next((each for each in shape.iter() if tag_of(each) == "ph"), None)
    return "" if holder is None else said(holder, "type") or "body"


def _paragraphs(shape: Element) -> Iterator[str]:
    for paragraph in shape.iter():
        if tag_of(paragraph) == "p":
            text = "".join(
                (each.text or "") if tag_of(each) == "t" else "\n"
                for each in paragraph.iter()
                if tag_of(each) in {"t", "br"}
            )
            if text.strip():
                yield text.strip()


def _slides(archive: Archive) -> list[str]:
    """Return the slides' parts in the order they are shown: each is named by its relation, `r:id`, not by its number, `id`."""
    targets = {id: target for id, target, _ in _relations(archive, _SHOWN)}
    named = [
        value
        for each in archive.xml(_SHOWN).iter()
        if tag_of(each) == "sldId"
        for key, value in each.attrib.items()
        if key.endswith("}id")
    ]
    return [targets[each] for each in named if each in targets]


def _targets(archive: Archive, part: str, kind: str) -> list[str]:
    return [
        target
        for _, target, type_ in _relations(archive, part)
        if type_.endswith(f"/{kind}") and target in archive.names
    ]


def _relations(archive: Archive, part: str) -> list[tuple[str, str, str]]:
    folder, _, name = part.rpartition("/")
    root = archive.maybe(f"{folder}/_rels/{name}.rels")
    return [
        (
            said(each, "Id"),
            posixpath.normpath(posixpath.join(folder, said(each, "Target"))).lstrip("/"),
            said(each, "Type"),
        )
        for each in (root if root is not None else ())
    ]
