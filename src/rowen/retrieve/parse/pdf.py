"""Parser: PDF, by PDFium. Its outline gives the sections; without one each page is a section."""

import re
from collections import Counter
from collections.abc import Sequence

import pypdfium2 as pdfium
from pypdfium2 import raw

from rowen.retrieve.parse.base import Heading, Limits, Parsed, sections_of
from rowen.values import Fact, Mistaken

_TORN = re.compile(r"[\ufffe\x02]\n?")  # PDFium's mark for a word that was hyphenated at the end of its line
_FEW = 4  # below that, what comes back may as well be said again
_RUNNING = 3  # lines that a running head or foot may have
_OFTEN = 0.6  # a first or last line on this share of the pages is a running head or foot


def parse(data: bytes, name: str, limits: Limits) -> Parsed:
    """Return the text of all pages.

    Raises:
        Mistaken: `document_encrypted`, `document_broken`, `document_too_large`, or `document_empty` for scanned pages.

    """
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise Mistaken("document_encrypted", "the PDF is protected by a password", place=name) from error
        raise Mistaken("document_broken", f"the PDF cannot be read: {error}", place=name) from error
    try:
        pages = _without_running_lines(_pages(document, name, limits))
        if not any(page.strip() for page in pages):
            message = f"the {len(pages)} pages hold no text; scanned pages need OCR before they are read here"
            raise Mistaken("document_empty", message, place=name)
        starts = [0]
        for page in pages:
            starts.append(starts[-1] + len(page) + 2)
        text = "\n\n".join(pages)
        said = document.get_metadata_dict(skip_empty=True)
        headings = _outline(document, starts, text) or [
            Heading(starts[number], 1, f"page {number + 1}") for number in range(len(pages))
        ]
        facts: dict[str, Fact] = {"pages": len(pages)}
        if author := said.get("Author"):
            facts["author"] = author
        return Parsed(
            text=text,
            kind="pdf",
            title=said.get("Title", "").strip(),
            sections=sections_of(headings, len(text)),
            metadata=facts,
        )
    finally:
        document.close()


def _pages(document: pdfium.PdfDocument, name: str, limits: Limits) -> list[str]:
    pages: list[str] = []
    length = 0
    for number in range(len(document)):
        try:
            page = document[number]
            text = page.get_textpage().get_text_range()
        except pdfium.PdfiumError:
            text = ""  # one damaged page does not cost the others
        text = _TORN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\0", "")
        pages.append(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        length += len(text)
        if length > limits.text:
            raise Mistaken("document_too_large", f"the text has more than {limits.text:,} characters", place=name)
    return pages


def _outline(document: pdfium.PdfDocument, starts: Sequence[int], text: str) -> list[Heading]:
    """Return the outline's entries where their titles stand on their pages, else where the pages begin."""
    found: list[Heading] = []
    for bookmark in document.get_toc():
        place = bookmark.get_dest()
        number = place.get_index() if place is not None else None
        title = " ".join(bookmark.get_title().split())
        if number is None or not title or not 0 <= number < len(starts) - 1:
            continue
        after = max([starts[number], *(heading.start for heading in found[-1:])])
        at = text.find(title, after, starts[number + 1])
        found.append(Heading(at if at >= 0 else after, bookmark.level + 1, title))
    return sorted(found, key=lambda heading: heading.start)


def _without_running_lines(pages: list[str]) -> list[str]:
    """Return pages without the lines that head or foot most of them, page numbers apart."""
    lines = [page.strip("\n").split("\n") for page in pages]
    if len(pages) < _FEW:
        return ["\n".join(each) for each in lines]
    for place in (0, -1):
        for _ in range(_RUNNING):
            seen = Counter(_bare(each[place]) for each in lines if each)
            often = {line for line, times in seen.items() if line and times > _OFTEN * len(pages)}
            for each in lines:
                if each and _bare(each[place]) in often:
                    del each[place]
    return ["\n".join(each) for each in lines]


def _bare(line: str) -> str:
    return re.sub(r"\d+", "#", line).strip()
