"""Real files, saved by the programs that people use: their text, title, sections; what is hidden is not in it."""

from pathlib import Path

import pytest
import pytest_asyncio

from rowen.retrieve.parse import Reading

FIXTURES = Path(__file__).parent / "fixtures"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def read():
    reading = Reading()

    async def one(name: str):
        return await reading((FIXTURES / name).read_bytes(), name)

    yield one
    await reading.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pandoc.docx", "docx"),
        ("libreoffice.docx", "docx"),
        ("pandoc.epub", "epub"),
        ("pandoc.html", "html"),
        ("pandoc.pptx", "pptx"),
        ("libreoffice.pdf", "pdf"),
        ("chromium.pdf", "pdf"),
    ],
)
async def test_a_handbook_is_read_whole_whatever_program_saved_it(read, name, kind):
    found = await read(name)

    assert found.kind == kind
    assert found.title == "Staff handbook"
    assert found.language.startswith("en")
    for said in ("28 days of paid leave", "sixteen weeks", "twelve after it", "More where the law"):
        assert said in found.text
    titles = [section.title for section in found.sections]
    assert titles.index("Leave") < titles.index("Parents") < titles.index("Illness")
    illness = next(section for section in found.sections if section.title == "Illness")
    assert "ten o’clock" in found.text[illness.start : illness.end]
    assert "Norway" in found.text[illness.start : illness.end]


@pytest.mark.parametrize("name", ["pandoc.docx", "libreoffice.docx", "pandoc.epub", "pandoc.html", "pandoc.pptx"])
async def test_chinese_and_right_to_left_text_is_kept_in_reading_order(read, name):
    found = await read(name)

    assert "年次有給休暇は二十日です。" in found.text
    assert "لكل موظف ثمانية وعشرون يوما من الإجازة." in found.text


@pytest.mark.parametrize("name", ["pandoc.docx", "libreoffice.docx", "pandoc.epub", "pandoc.html", "pandoc.pptx"])
async def test_rows_of_tables_name_their_columns(read, name):
    assert "Country: Japan; Days: 20; From: 2025" in (await read(name)).text


@pytest.mark.parametrize("name", ["pandoc.docx", "pandoc.epub", "pandoc.html", "chromium.pdf"])
async def test_sections_lie_within_those_above_them(read, name):
    found = await read(name)

    leave = next(section for section in found.sections if section.title == "Leave")
    parents = next(section for section in found.sections if section.title == "Parents")
    assert leave.level < parents.level
    assert leave.start < parents.start < parents.end <= leave.end
    assert found.text[parents.start :].startswith("Parents")


async def test_running_heads_and_page_numbers_of_a_pdf_are_left_out(read):
    found = await read("chromium.pdf")

    assert "CONFIDENTIAL" not in found.text
    assert "page 2" not in found.text
    assert found.metadata["pages"] == 4


async def test_text_hidden_in_a_document_and_its_running_head_are_left_out(read):
    found = await read("python-docx.docx")

    assert "28 days of leave" in found.text
    assert "SECRET" not in found.text
    assert "running head" not in found.text
    assert found.title == "Leave"
    assert found.metadata == {"author": "Ada"}


async def test_slides_have_their_notes_and_hidden_ones_are_left_out(read):
    found = await read("python-pptx.pptx")

    assert "Notes: say it slowly" in found.text
    assert "Year: 2025; Sum: 42" in found.text
    assert "Hidden slide" not in found.text
    assert [section.title for section in found.sections] == ["Plan", "Figures"]
    assert found.metadata["slides"] == 2


@pytest.mark.parametrize("name", ["prices.xlsx", "libreoffice.ods", "libreoffice.xls"])
async def test_sheets_are_sections_with_dates_as_dates_and_hidden_ones_left_out(read, name):
    found = await read(name)

    assert "Item: Pen; Price: 1.5; Since: 2025-03-01" in found.text
    assert "Since: 2025-04-01 09:30" in found.text
    assert "hidden cell" not in found.text
    assert [section.title for section in found.sections] == ["Prices", "Notes"]


async def test_a_book_has_its_chapters_in_reading_order(read):
    found = await read("ebooklib.epub")

    assert found.title == "A book"
    assert found.language == "de"
    assert [section.title for section in found.sections] == ["Eins", "Zwei"]
