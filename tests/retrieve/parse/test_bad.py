"""Files that nobody should have to deal with: each has a named outcome, and the next one is read."""

import io
import sys
import zipfile
from pathlib import Path

import pytest

from rowen.retrieve.parse import Limits, Reading
from rowen.retrieve.parse.apart import Apart
from rowen.values import CODES, Mistaken

FIXTURES = Path(__file__).parent / "fixtures"


async def outcome(data: bytes, name: str, limits: Limits | None = None, apart: Apart | None = None) -> Mistaken:
    reading = Reading(limits, apart)
    try:
        with pytest.raises(Mistaken) as caught:
            await reading(data, name)
    finally:
        await reading.close()
    assert caught.value.code in CODES
    assert caught.value.place.startswith(name)
    return caught.value


def archive(parts: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize("name", ["protected.pdf", "protected.xlsx"])
async def test_a_file_behind_a_password_says_so(name):
    assert (await outcome((FIXTURES / name).read_bytes(), name)).code == "document_encrypted"


async def test_scanned_pages_say_that_they_need_ocr():
    problem = await outcome((FIXTURES / "scanned.pdf").read_bytes(), "scanned.pdf")

    assert problem.code == "document_empty"
    assert "OCR" in problem.message


@pytest.mark.parametrize("kind", ["word/document.xml", "ppt/presentation.xml", "xl/workbook.xml"])
async def test_a_zip_bomb_is_stopped_while_it_unpacks(kind):
    bomb = archive({"[Content_Types].xml": b"<a/>", kind: b"<w>" + b" " * 80_000_000 + b"</w>"})

    problem = await outcome(bomb, "bomb.docx")

    assert len(bomb) < 200_000
    assert problem.code == "document_bomb"


async def test_entities_that_multiply_are_refused_before_they_are_expanded():
    laughs = b'<!DOCTYPE a [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10)
    )
    parts = {"[Content_Types].xml": b"<a/>", "word/document.xml": laughs + b"]><w>&k;</w>"}

    assert (await outcome(archive(parts), "laughs.docx")).code == "document_bomb"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_entities_are_refused_in_every_encoding_and_wherever_they_are_declared(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><!--{" " * 20_000}--><!DOCTYPE a [<!ENTITY b "c">]><w>&b;</w>'
    parts = {"[Content_Types].xml": b"<a/>", "word/document.xml": text.encode(encoding)}

    assert (await outcome(archive(parts), "hidden.docx")).code == "document_bomb"


@pytest.mark.parametrize(
    "name", ["pandoc.docx", "pandoc.pptx", "pandoc.epub", "prices.xlsx", "libreoffice.xls", "chromium.pdf"]
)
@pytest.mark.parametrize("share", [0.3, 0.9])
async def test_a_file_that_was_cut_off_is_broken_or_gives_what_is_there(name, share):
    data = (FIXTURES / name).read_bytes()
    reading = Reading()

    try:
        found = await reading(data[: int(len(data) * share)], name)
    except Mistaken as problem:
        assert problem.code in {"document_broken", "document_empty", "document_unknown", "document_crashed"}
    else:
        assert found.text.strip()
    finally:
        await reading.close()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "notes.md", "a picture (PNG)"),
        (b"\x7fELF" + bytes(100), "readme.txt", "a program"),
        (bytes(range(256)) * 20, "data.txt", "neither text nor"),
        (b"{\\rtf1 hello}", "letter.docx", "rich text"),
        (archive({"a.txt": b"hello"}), "many.docx", "an archive"),
    ],
)
async def test_what_no_parser_reads_says_what_it_is_whatever_its_name(data, name, said):
    problem = await outcome(data, name)

    assert problem.code == "document_unknown"
    assert said in problem.message


async def test_an_office_file_of_before_2007_says_what_to_do():
    problem = await outcome((FIXTURES / "libreoffice.doc").read_bytes(), "old.doc")

    assert problem.code == "document_unknown"
    assert "DOCX" in problem.message


@pytest.mark.parametrize(("name", "kind"), [("report.txt", "pdf"), ("page.pdf", "html"), ("notes.docx", "text")])
async def test_a_file_that_lies_about_its_type_is_read_as_what_it_is_and_flagged(name, kind):
    data = {
        "pdf": (FIXTURES / "libreoffice.pdf").read_bytes(),
        "html": b"<!doctype html><title>Hello</title><p>A page that says it is a PDF.",
        "text": b"Nothing but words.",
    }[kind]
    reading = Reading()

    found = await reading(data, name)
    await reading.close()

    assert found.kind == kind
    assert "mislabelled" in found.flags


async def test_a_file_over_the_limit_is_not_read():
    problem = await outcome(b"words " * 100, "large.txt", Limits(size=100))

    assert problem.code == "document_too_large"
    assert "600 bytes" in problem.message


async def test_a_text_over_the_limit_is_not_kept():
    assert (await outcome(b"words " * 100, "long.txt", Limits(text=100))).code == "document_too_large"


@pytest.mark.parametrize("data", [b"", b" \n\t", b"<!doctype html><script>let a = 1</script>"])
async def test_nothing_but_white_space_is_no_document(data):
    assert (await outcome(data, "empty")).code == "document_empty"


async def test_a_parser_that_crashes_takes_nothing_else_with_it():
    crashing = Apart(Limits(), (sys.executable, "-c", "import os; os.abort()"))

    assert (await outcome(b"<!doctype html><p>hello", "crash.html", apart=crashing)).code == "document_crashed"


async def test_a_parser_that_hangs_is_ended():
    hanging = Apart(Limits(seconds=0.2), (sys.executable, "-c", "import sys; sys.stdin.read()"))

    problem = await outcome(b"<!doctype html><p>hello", "slow.html", apart=hanging)

    assert problem.code == "document_slow"
    assert "0.2 seconds" in problem.message


async def test_a_parser_that_takes_too_much_memory_is_stopped_and_the_next_file_is_read():
    reading = Reading(Limits(memory=400_000_000))
    page = b"<!doctype html>" + b"<p>word" * 8_000_000

    with pytest.raises(Mistaken) as caught:
        await reading(page, "huge.html")
    found = await reading(b"<!doctype html><p>A small page.", "small.html")
    await reading.close()

    assert caught.value.code in {"document_too_large", "document_crashed", "document_broken"}  # as the library has it
    assert found.text == "A small page."


async def test_a_page_nested_ten_thousand_deep_is_read():
    reading = Reading()

    found = await reading(b"<!doctype html>" + b"<div>" * 10_000 + b"deep", "deep.html")
    await reading.close()

    assert found.text == "deep"
