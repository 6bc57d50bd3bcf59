"""What the documents show is what happens: every fenced block is run, read or parsed."""

import compileall
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from rowen.cli.main import rowen
from rowen.config import layered, read
from rowen.improve.tune.space import Space, read_space
from rowen.provider.weights import Folder, default_place
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES

ROOT = Path(__file__).parents[2]
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
FENCE = re.compile(r"^```(\w*) ?([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PATIENCE = 60.0  # seconds for what holds "within a second" or so


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, the words after it, its text and where it stands."""

    place: str
    language: str
    words: tuple[str, ...]
    text: str

    def named(self, key: str) -> str:
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{key}=")), "")


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            place=f"{path.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}",
            language=found[1],
            words=tuple(found[2].split()),
            text=found[3],
        )
        for found in FENCE.finditer(text)
    ]


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def shown(block: Block) -> str:
    return block.place


class Terminal:
    """A shell whose variables and folder last from block to block, and what runs in the background."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self._state, self._here, self._ports = folder / "state", folder, ports
        self._state.write_text("")
        self._path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._background: list[subprocess.Popen[bytes]] = []
        self._folder = folder

    @property
    def log(self) -> str:
        """What the program that was started last has said."""
        return self.plain(self._log.read_text(encoding="utf-8"))

    @property
    def _log(self) -> Path:
        return self._folder / f"background-{len(self._background)}.log"

    @property
    def down(self) -> bool:
        return any(process.poll() is not None for process in self._background)

    @property
    def here(self) -> Path:
        return self._here

    def real(self, text: str) -> str:
        """Return a text with the ports of this run for the documented ones."""
        for documented, port in self._ports.items():
            text = text.replace(documented, port)
        return text

    def plain(self, text: str) -> str:
        """Return a text with the documented ports."""
        for documented, port in self._ports.items():
            text = text.replace(port, documented)
        return text

    def bring(self, folder: Path) -> None:
        """Have a folder of the clone here, at the same place and with the ports of this run."""
        here = self._here / folder.relative_to(ROOT)
        shutil.copytree(folder, here, ignore=shutil.ignore_patterns(".rowen", "__pycache__"))
        for file in here.rglob("*.*"):
            if file.is_file():
                file.write_text(self.real(file.read_text(encoding="utf-8")), encoding="utf-8")

    def run(self, text: str) -> tuple[int, str]:
        where = self._state.with_name("where")
        script = (
            f'. "{self._state}"\n{self.real(text)}\ncode=$?\nexport -p > "{self._state}"; pwd > "{where}"; exit $code'
        )
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self._here,
            env=self._environment(),
            capture_output=True,
            timeout=120,
            check=False,
        )
        if where.exists():
            self._here = Path(where.read_text().strip())
        return done.returncode, self.plain((done.stdout + done.stderr).decode())

    def start(self, text: str) -> None:
        with (self._folder / f"background-{len(self._background) + 1}.log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {self.real(text).strip()}"],
                cwd=self._here,
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        self._background.append(process)

    def close(self) -> None:
        for process in reversed(self._background):
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROWEN_", "OPENAI_"))}
        models = {name: os.environ[name] for name in ("ROWEN_MODELS",) if name in os.environ}
        wide = {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        return {**kept, **models, **wide, "PATH": self._path, "ROWEN_PORT": self._ports["8484"]}


def says(output: str, expected: str) -> bool:
    """Whether the expected lines come in this order; `…` stands for anything."""
    rest = output.splitlines()
    for line in expected.strip().splitlines():
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
        while rest and not re.search(pattern, rest[0]):
            rest.pop(0)
        if not rest:
            return False
        rest.pop(0)
    return True


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = {"8484": str(one.getsockname()[1]), "8485": str(other.getsockname()[1])}
    found = Terminal(tmp_path, ports)
    yield found
    found.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the tutorial is run by bash")
def test_the_tutorial_happens_as_it_is_written(terminal: Terminal):
    has_weights = any(
        each.weights.name == "smollm2" and each.state != "absent" for each in Folder(default_place()).all()
    )
    local = has_weights and os.environ.get("ROWEN_TEST_LOCAL") == "1"

    assert read_out(terminal, TUTORIAL, leave_out=set() if local else {"local"}) >= 12


@pytest.mark.skipif(shutil.which("bash") is None, reason="the tutorial is run by bash")
def test_the_week_happens_as_it_is_written(terminal: Terminal):
    """What needs other people's packages is run by `tests/compat/test_week.py`."""
    terminal.bring(ROOT / "examples/03-week")

    assert read_out(terminal, WEEK, leave_out={"compat"}) >= 12


@pytest.mark.skipif(shutil.which("bash") is None, reason="the tutorial is run by bash")
@pytest.mark.skipif(os.environ.get("ROWEN_TEST_LOCAL") != "1", reason="asks a real model; set ROWEN_TEST_LOCAL=1")
def test_the_first_release_happens_as_it_is_written(terminal: Terminal):
    terminal.bring(ROOT / "examples/04-release")

    assert read_out(terminal, RELEASE, leave_out=set()) >= 16


def read_out(terminal: Terminal, page: Path, *, leave_out: set[str]) -> int:
    """Do what a page says, in order; return how many blocks were run."""
    found = blocks(page)
    ran = 0
    for block, after in zip(found, [*found[1:], None], strict=True):
        if leave_out & set(block.words):
            continue
        text = terminal.real(block.text)
        if block.named("file"):
            (terminal.here / block.named("file")).write_text(text, encoding="utf-8")
        elif block.named("add"):
            with (terminal.here / block.named("add")).open("a", encoding="utf-8") as file:
                file.write(text)
        elif block.language == "sh" and "install" not in block.words:
            expected = after.text if after is not None and after.language == "text" else ""
            play(terminal, block, expected)
            ran += 1
    return ran


def play(terminal: Terminal, block: Block, expected: str) -> None:
    """Run one block until it says what is expected: a change holds within a second, not at once."""
    ends = time.monotonic() + float(block.named("patience") or PATIENCE)
    tell(f"$ {block.text}")
    background, once = "background" in block.words, "once" in block.words
    if background:
        terminal.start(block.text)
    while True:
        code, output = (0, terminal.log) if background else terminal.run(block.text)
        held = (code != 0) == ("fails" in block.words) and says(output, expected)
        tell(output if held or not background else "")
        if held:
            return
        assert not once and not terminal.down and time.monotonic() < ends, (
            f"{block.place} gave {code}:\n{output}\n---\n{terminal.log}"
        )
        time.sleep(0.2)


def tell(text: str) -> None:
    """Print what happens, for `make story`."""
    if os.environ.get("ROWEN_TELL") and text:
        print(text, flush=True)


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
