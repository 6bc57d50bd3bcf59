"""What the documents show is what happens: every fenced block is run, read or parsed."""

import compileall
import os
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from tests.docs.conftest import FENCE, ROOT, Block, Terminal, blocks, read_out

from rowen.cli.main import rowen
from rowen.config import layered, read
from rowen.improve.tune.space import Space, read_space
from rowen.provider.weights import Folder, default_place
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES

TUTORIAL = ROOT / "docs/tutorial/first-app.md"
WEEK = ROOT / "docs/tutorial/a-week-in-production.md"
RELEASE = ROOT / "docs/tutorial/your-first-release.md"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def shown(block: Block) -> str:
    return block.place


def test_the_tutorial_happens_as_it_is_written(terminal: Terminal):
    has_weights = any(
        each.weights.name == "smollm2" and each.state != "absent" for each in Folder(default_place()).all()
    )
    local = has_weights and os.environ.get("ROWEN_TEST_LOCAL") == "1"

    assert read_out(terminal, TUTORIAL, leave_out=set() if local else {"local"}) >= 12


@pytest.mark.parametrize(("page", "times"), [(TUTORIAL, 1), (WEEK, 2), (RELEASE, 1)])
def test_only_installing_needs_a_network(page: Path, times: int):
    assert [block.text.count("pip install") for block in blocks(page) if "install" in block.words] == [1] * times


@pytest.mark.parametrize("block", all_blocks("toml"), ids=shown)
def test_every_toml_is_understood(block: Block, tmp_path: Path):
    source = tomllib.loads(block.text)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/system.md").write_text("Be kind.")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/golden.jsonl").write_text('{"question": "Why?", "expected": "So."}\n')
    (tmp_path / "prompts/summary.md").write_text("Sum up for {{who}}: {{document}}")
    (tmp_path / "prompts/helpful.md").write_text("Is {{answer}} helpful?")
    file = tmp_path / "app.toml"
    file.write_text(block.text)

    if source.keys() <= TABLES.keys():
        assert read(file, TABLES, secrets=False).tables
    elif source.keys() <= set(Space.__struct_fields__):
        assert read_space(block.text, block.place)
    else:
        assert layered(ServerSettings, file, {}, {})


def commands() -> list[tuple[str, str]]:
    """Return every line of a shell block that calls rowen, with its place."""
    found = []
    for block in all_blocks("sh", "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            call = re.search(r"(?:^|\$\(|&& |/)(rowen [^#)&|>]*)", line.split("  #")[0])
            if call:
                found.append((block.place, call[1].strip()))
    return found


@pytest.mark.parametrize(("place", "line"), commands(), ids=[f"{place} {line}" for place, line in commands()])
def test_every_command_exists_with_its_options(place: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.pdf").touch()  # a file that must be there
    command: click.Command = rowen
    words = shlex.split(line)[1:]
    context = click.Context(command, info_name="rowen")

    while isinstance(command, click.Group) and words:
        inner = command.get_command(context, words[0])
        assert inner is not None, f"{place}: no verb {words[0]}"
        command, words = inner, words[1:]

    assert command.make_context(line, words, parent=context)


def test_every_python_block_compiles(tmp_path: Path):
    for number, block in enumerate(all_blocks("python")):
        (tmp_path / f"block_{number}.py").write_text(block.text)

    assert compileall.compile_dir(tmp_path, quiet=1)


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs/explanation/decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")

    assert all(f"({page.name})" in index for page in folder.glob("0*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))

    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        where = (page.parent / path) if path else page
        assert where.exists(), f"{page.name} links to {target}"
        if anchor and where.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", where.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name} links to {target}"


def test_the_table_of_contents_leads_to_every_page():
    contents = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target.split("#")[0]).resolve() for target in LINK.findall(contents)}

    pages = {
        page for page in (ROOT / "docs").rglob("*.md") if "decisions" not in page.parts and page.name != "README.md"
    }

    assert sorted(str(page) for page in pages - linked) == []
