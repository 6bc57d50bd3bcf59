"""What an original is: told by its first bytes and its content; its name decides only among kinds of plain text."""

import io
import zipfile
from pathlib import PurePosixPath
from typing import NamedTuple

from rowen.values import Mistaken

CODE = {
    "asm": "assembly", "bash": "shell", "bat": "batch", "c": "c", "cc": "cpp", "cfg": "ini", "clj": "clojure", "cpp": "cpp",
    "cs": "csharp", "css": "css", "cxx": "cpp", "dart": "dart", "dockerfile": "dockerfile", "erl": "erlang", "ex": "elixir",
    "exs": "elixir", "fs": "fsharp", "go": "go", "gradle": "groovy", "groovy": "groovy", "h": "c", "hpp": "cpp", "hs": "haskell",
    "ini": "ini", "java": "java", "jl": "julia", "js": "javascript", "json": "json", "jsx": "javascript", "kt": "kotlin",
    "lua": "lua", "m": "objc", "makefile": "make", "ml": "ocaml", "mjs": "javascript", "php": "php", "pl": "perl", "proto": "proto",
    "ps1": "powershell", "py": "python", "pyi": "python", "r": "r", "rb": "ruby", "rs": "rust", "scala": "scala", "scss": "scss",
    "sh": "shell", "sql": "sql", "swift": "swift", "tf": "hcl", "toml": "toml", "ts": "typescript", "tsx": "typescript",
    "vue": "vue", "xml": "xml", "yaml": "yaml", "yml": "yaml", "zig": "zig",
}  # fmt: skip
"""The language of code by the ending of its file."""

MARKDOWN = {"md", "markdown", "mdx", "mkd", "mdown", "qmd", "rmd"}
TABLES = {"csv", "tsv", "tab", "psv"}
LINES = {"jsonl", "ndjson"}
HTML = {"html", "htm", "xhtml"}

_ENDINGS = {
    "pdf": {"pdf"}, "docx": {"docx", "docm", "dotx"}, "pptx": {"pptx", "pptm", "ppsx"}, "epub": {"epub"}, "html": HTML,
    "sheet": {"xlsx", "xlsm", "xlsb", "xls", "ods"},
}  # fmt: skip
_BINARY = {
    b"\x89PNG": "a picture (PNG)", b"\xff\xd8\xff": "a picture (JPEG)", b"GIF8": "a picture (GIF)", b"RIFF": "sound or film (RIFF)",
    b"\x1f\x8b": "a packed file (gzip)", b"BZh": "a packed file (bzip2)", b"\xfd7zXZ": "a packed file (xz)",
    b"7z\xbc\xaf": "an archive (7z)", b"Rar!": "an archive (RAR)", b"\x28\xb5\x2f\xfd": "a packed file (zstd)",
    b"\x7fELF": "a program", b"MZ": "a program", b"SQLite format 3": "a database (SQLite)", b"OggS": "sound or film (Ogg)",
    b"ID3": "sound (MP3)", b"PAR1": "a table (Parquet)", b"{\\rtf": "rich text (RTF)", b"GGUF": "model weights", b"%!PS": "PostScript",
}  # fmt: skip
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SCAN = 65_536
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Kind(NamedTuple):
    """A kind of the catalogue; the language where its name tells one; whether the name says something else."""

    name: str
    language: str = ""
    mislabelled: bool = False


def kind_of(data: bytes, name: str) -> Kind:
    """Return what an original is.

    Raises:
        Mistaken: `document_unknown` for what no parser reads, `document_encrypted`, `document_broken`.

    """
    ending = _ending(name)
    found = _packed(data) or ("pdf" if b"%PDF-" in data[:1024] else "")
    if found:
        return Kind(found, mislabelled=ending not in _ENDINGS[found])
    for start, what in _BINARY.items():
        if data.startswith(start) and (len(start) > 3 or b"\0" in data[:1024]):
            raise Mistaken("document_unknown", f"this is {what}, which no parser here reads", place=name)
    if _binary(data):
        raise Mistaken("document_unknown", "this is neither text nor a kind of file that is known here", place=name)
    if _html(data):
        return Kind(
            "html", mislabelled=bool(ending) and ending not in HTML | MARKDOWN | {"php", "vue", "aspx", "jsp", "txt"}
        )
    pretends = any(ending in endings for kind, endings in _ENDINGS.items() if kind != "html")
    return _text(data, ending)._replace(mislabelled=pretends)


def tabular(name: str) -> bool:
    """Whether a name is that of a table or a spreadsheet."""
    return _ending(name) in TABLES | _ENDINGS["sheet"]


def _text(data: bytes, ending: str) -> Kind:
    if ending in MARKDOWN:
        return Kind("markdown")
    if ending in TABLES:
        return Kind("table")
    if ending in LINES:
        return Kind("lines")
    if ending in CODE:
        return Kind("code", CODE[ending])
    if data.startswith(b"#!"):
        first = data[:100].split(b"\n")[0]
        for word, language in ((b"python", "python"), (b"sh", "shell"), (b"node", "javascript"), (b"perl", "perl")):
            if word in first:
                return Kind("code", language)
    return Kind("text")


def _ending(name: str) -> str:
    path = PurePosixPath(name.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0])
    return path.suffix.removeprefix(".").lower() or (path.name.lower() if path.name.lower() in CODE else "")


def _packed(data: bytes) -> str:
    """Return which kind of office file or book this is; empty for no archive."""
    if data.startswith(_OLE):
        # An encrypted office file is an old-style container with these streams (MS-OFFCRYPTO, 2.3).
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Mistaken("document_encrypted", "the file is protected by a password")
        if "Workbook".encode("utf-16-le") in data or "Book".encode("utf-16-le") in data:
            return "sheet"
        raise Mistaken("document_unknown", "this is an Office file of before 2007; save it as DOCX or PPTX")
    if not data.startswith(b"PK\x03\x04"):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            kind = (
                archive.read("mimetype")[:100]
                if "mimetype" in names and archive.getinfo("mimetype").file_size < 100
                else b""
            )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, KeyError, EOFError) as error:
        raise Mistaken("document_broken", f"the archive cannot be read: {error}") from error
    if kind.startswith(b"application/epub+zip"):
        return "epub"
    for part, found in (("word/document.xml", "docx"), ("ppt/presentation.xml", "pptx")):
        if part in names:
            return found
    if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet") or any(
        each.startswith("xl/") for each in names
    ):
        return "sheet"
    raise Mistaken("document_unknown", "this is an archive, and no document that is known here")


def _binary(data: bytes) -> bool:
    head = data[:_SCAN]
    if head.startswith(_UTF16) or _wide(head):
        return False
    odd = sum(head.count(bytes([code])) for code in (*range(9), *range(14, 27), *range(28, 32)))
    return b"\0" in head or odd > len(head) // 20


def _wide(head: bytes) -> bool:
    """Whether this looks like UTF-16 without its mark: Latin letters, every other byte of them zero."""
    pairs = len(head) // 2
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    return pairs > 3 and max(even, odd) > 0.6 * pairs and min(even, odd) < 0.02 * pairs


def _html(data: bytes) -> bool:
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html")) or (head.startswith(b"<?xml") and b"<html" in head)
