"""What the documents show is what happens: every fenced block is run, read or parsed."""

import compileall
import os
import re
import shlex
import sys
import tomllib
from functools import cache
from pathlib import Path

import click
import pytest
from tests.docs.conftest import FENCE, ROOT, Block, Terminal, blocks, read_out

from rowen import __version__
from rowen.cli.main import rowen
from rowen.config import layered, read
from rowen.improve.tune.space import Space, read_space
from rowen.provider.weights import Folder, default_place
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.values import Problem

TUTORIAL = ROOT / "docs/tutorial/first-app.md"
WEEK = ROOT / "docs/tutorial/a-week-in-production.md"
RELEASE = ROOT / "docs/tutorial/your-first-release.md"
PROGRAMS_IMPORT = ("openai",)
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


def test_the_tutorial_happens_as_it_is_written(terminal: Terminal):
    has_weights = any(
        each.weights.name == "smollm2" and each.state != "absent" for each in Folder(default_place()).all()
    )
    local = has_weights and os.environ.get("ROWEN_TEST_LOCAL") == "1"

    assert read_out(terminal, TUTORIAL, leave_out=set() if local else {"local"}) >= 12


def test_the_first_command_is_the_program_that_is_installed_and_those_after_it_are_forked(terminal: Terminal):
    asked = 'type -p rowen python; python -c "import rowen.cli.main; print(1)"; rowen --version'

    said = [terminal.run(asked)[1].splitlines() for _ in range(3)]

    installed = Path(sys.executable).parent
    first = [terminal.here / "first" / name for name in ("rowen", "python")]
    assert [lines[:2] for lines in said] == [
        [str(installed / "rowen"), str(installed / "python")],
        *[list(map(str, first))] * 2,
    ]
    assert [lines[2:] for lines in said] == [["1", f"rowen, version {__version__}"]] * 3


@pytest.mark.parametrize(("page", "times"), [(TUTORIAL, 1), (WEEK, 2), (RELEASE, 1)])
def test_only_installing_needs_a_network(page: Path, times: int):
    assert [block.text.count("pip install") for block in blocks(page) if "install" in block.words] == [1] * times


def test_every_toml_is_understood(tmp_path: Path):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/system.md").write_text("Be kind.")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/golden.jsonl").write_text('{"question": "Why?", "expected": "So."}\n')
    (tmp_path / "prompts/summary.md").write_text("Sum up for {{who}}: {{document}}")
    (tmp_path / "prompts/helpful.md").write_text("Is {{answer}} helpful?")
    shown = all_blocks("toml")

    wrong = {block.place: said for block in shown if (said := not_understood(block, tmp_path / "app.toml"))}

    assert len(shown) > 50
    assert wrong == {}


def not_understood(block: Block, file: Path) -> str:
    """Say what is wrong with the text of an app, of a server or of a space to search; nothing where it is understood."""
    file.write_text(block.text)
    try:
        source = tomllib.loads(block.text)
        if source.keys() <= TABLES.keys():
            understood: object = read(file, TABLES, secrets=False).tables
        elif source.keys() <= set(Space.__struct_fields__):
            understood = read_space(block.text, block.place)
        else:
            understood = layered(ServerSettings, file, {}, {})
    except (Problem, tomllib.TOMLDecodeError) as problem:
        return str(problem)
    return "" if understood else "it says nothing"


def commands() -> list[tuple[str, str]]:
    """Return every line of a shell block that calls rowen, with its place."""
    found = []
    for block in all_blocks("sh", "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            call = re.search(r"(?:^|\$\(|&& |/)(rowen [^#)&|>]*)", line.split("  #")[0])
            if call:
                found.append((block.place, call[1].strip()))
    return found


def test_every_command_exists_with_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.pdf").touch()  # a file that must be there
    shown = commands()

    wrong = {f"{place} {line}": said for place, line in shown if (said := not_taken(line))}

    assert len(shown) > 100
    assert wrong == {}


def not_taken(line: str) -> str:
    """Say why the command line would not take a line; nothing where it would."""
    command: click.Command = rowen
    words = shlex.split(line)[1:]
    context = click.Context(command, info_name="rowen")
    while isinstance(command, click.Group) and words:
        inner = command.get_command(context, words[0])
        if inner is None:
            return f"there is no verb {words[0]}"
        command, words = inner, words[1:]
    try:
        command.make_context(line, words, parent=context)
    except click.ClickException as problem:
        return problem.format_message()
    return ""


def test_every_python_block_compiles(tmp_path: Path):
    for number, block in enumerate(all_blocks("python")):
        (tmp_path / f"block_{number}.py").write_text(block.text)

    assert compileall.compile_dir(tmp_path, quiet=1)


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs/explanation/decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")

    assert all(f"({page.name})" in index for page in folder.glob("0*.md"))


def test_every_link_within_the_repository_leads_somewhere():
    links = [
        (page, target)
        for page in PAGES
        for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
        if "://" not in target and not target.startswith("mailto:")
    ]

    nowhere = [f"{page.relative_to(ROOT)} links to {target}" for page, target in links if not leads(page, target)]

    assert len(links) > 300
    assert not nowhere, "\n".join(nowhere)


def leads(page: Path, target: str) -> bool:
    """Whether there is what a link of a page leads to, with its heading."""
    path, _, anchor = target.partition("#")
    where = (page.parent / path) if path else page
    return where.exists() and (not anchor or where.suffix != ".md" or anchor in slugs(where))


@cache
def slugs(page: Path) -> frozenset[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)


def test_the_table_of_contents_leads_to_every_page():
    contents = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target.split("#")[0]).resolve() for target in LINK.findall(contents)}

    pages = {
        page for page in (ROOT / "docs").rglob("*.md") if "decisions" not in page.parts and page.name != "README.md"
    }

    assert sorted(str(page) for page in pages - linked) == []
