"""Parser: HTML, read as browsers read it, without what a reader does not see: scripts, menus, and what is hidden."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.decode import decoded
from rowen.retrieve.parse.rows import lines_of
from rowen.retrieve.parse.writer import Writer
from rowen.values import Fact

_PASSED_OVER = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "form",
        "button",
        "select",
        "input",
        "textarea",
        "nav",
        "footer",
        "aside",
        "dialog",
        "menu",
        "head",
        "-comment",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "header",
        "hgroup",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "body",
        "html",
        "center",
    ]
)
_APART = frozenset(["p", "blockquote", "pre", "ul", "ol", "dl", "figure", "section", "article"])
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|em|rem|%)?\s*(?:;|$)", re.IGNORECASE
)
_CHARSET = re.compile(rb"""<(?:meta[^>]+charset|\?xml[^>]+encoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


def parse(data: bytes, _: str, __: Limits) -> Parsed:
    """Return the text of a page, its main part alone where the page marks it."""
    declared = _CHARSET.search(data[:4096])
    found = decoded(data, declared[1].decode("ascii") if declared else "")
    tree = LexborHTMLParser(found.text)
    writer = Writer()
    root = _main(tree) or tree.body or tree.root
    if root is not None:
        write(root, writer)
    title = tree.css_first("title")
    page = tree.css_first("html")
    named = " ".join(title.text().split()) if title is not None else ""
    return Parsed(
        text=writer.text,
        kind="html",
        title=named or next((heading.title for heading in writer.headings if heading.level == 1), ""),
        language=(page.attributes.get("lang") or "").strip() if page is not None else "",
        sections=writer.sections,
        metadata=dict(_facts(tree)),
        flags=("recoded",) if found.encoding else (),
    )


def body_of(data: bytes) -> LexborNode | None:
    """Return the body of a page that is a part of a book."""
    return LexborHTMLParser(decoded(data).text).body


def write(root: LexborNode, writer: Writer) -> None:
    """Write what a reader of an element sees."""
    for step in _steps(root):
        tag = step.node.tag or ""
        if step.leaves:
            if tag == "li":
                writer.mark("")
            if tag in _BLOCKS:
                writer.block(2 if tag in _APART else 1)
        elif tag == "-text":
            writer.words(step.node.text_content or "")
        elif tag in _LEVELS:
            writer.heading(_LEVELS[tag], step.node.text() or "")
        elif tag == "pre":
            writer.block(2)
            writer.exact((step.node.text() or "").strip("\n"))
            writer.block(2)
        elif tag == "table" and _is_data(step.node):
            writer.block(2)
            for line in lines_of(_rows(step.node)):
                writer.exact(line)
                writer.block()
            writer.block(2)
        elif tag == "br":
            writer.block()
        elif tag == "img":
            writer.words(f" {step.node.attributes.get('alt') or ''} ")
        elif tag in _BLOCKS:
            writer.block(2 if tag in _APART else 1)
            if tag == "li":
                writer.mark("- ")


class _Step(NamedTuple):
    node: LexborNode
    leaves: bool


def _steps(root: LexborNode) -> Iterator[_Step]:
    """Yield an element and all in it as they are entered and left. No recursion: pages can be nested by the thousand."""
    node = root
    while True:
        seen = not _unseen(node)
        if seen:
            yield _Step(node, leaves=False)
            inner = None if _whole(node) else node.child
            if inner is not None:
                node = inner
                continue
            yield _Step(node, leaves=True)
        while node.next is None or node.mem_id == root.mem_id:
            if node.mem_id == root.mem_id or node.parent is None:
                return
            node = node.parent
            yield _Step(node, leaves=True)
        node = node.next


def _whole(node: LexborNode) -> bool:
    """Whether an element is written at once, with all in it."""
    tag = node.tag or ""
    return tag in _LEVELS or tag == "pre" or (tag == "table" and _is_data(node))


def _unseen(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag == "-text":
        return False
    if tag in _PASSED_OVER or tag.startswith(("-", "!")):
        return True
    said = node.attributes
    return "hidden" in said or said.get("aria-hidden") == "true" or bool(_HIDDEN.search(said.get("style") or ""))


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    for where in ("main", '[role="main"]', "article"):
        found = tree.css(where)
        if len(found) == 1:
            return found[0]
    return None


def _is_data(table: LexborNode) -> bool:
    """Whether a table holds data; one that holds tables or headings lays out a page."""
    return table.css_first("table table, h1, h2, h3, p p, ul, pre") is None


def _rows(table: LexborNode) -> list[list[str]]:
    return [
        [" ".join((cell.text() or "").split()) for cell in row.css("td, th")]
        for row in table.css("tr")
        if not _unseen(row)
    ]


def _facts(tree: LexborHTMLParser) -> Iterator[tuple[str, Fact]]:
    for name, said in (
        ("description", 'meta[name="description"]'),
        ("author", 'meta[name="author"]'),
        ("published", 'meta[property="article:published_time"]'),
        ("modified", 'meta[property="article:modified_time"]'),
    ):
        found = tree.css_first(said)
        if found is not None and (text := (found.attributes.get("content") or "").strip()):
            yield name, text
    link = tree.css_first('link[rel="canonical"]')
    if link is not None and (address := (link.attributes.get("href") or "").strip()):
        yield "canonical", address
