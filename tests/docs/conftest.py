"""Reads what the documents show, and does it as a person at a terminal would."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from rowen.cli.main import VERBS
from rowen.testing.commands import PYTHON, ROWEN, write_command
from rowen.testing.processes import Nursery

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*) ?([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 60.0  # seconds for what holds "within a second" or so
LOOKS = (
    4.0  # seconds before what takes patience is done again: each try costs, and what it waits for is a job's next look
)
BORN_WITH = ("rowen.cli.main", *(f"rowen.cli.{verb}" for verb in VERBS), "rowen.store.sqlite.store", "uvloop", "httpx2")
"""What commands have imported before they begin."""
WIDE = {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"}  # what is printed, and when


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


class Terminal:
    """A shell whose variables and folder last from block to block, and what runs in the background.

    The first `rowen` is the program that is installed, so that one that does not begin is seen. Those after it are forked, with
    all that they import: to import it for each takes longer than what they do.

    Args:
        folder: where it begins, and keeps what it needs.
        ports: those of this run, by the documented ones.
        forked: a folder of commands that are forked.

    """

    def __init__(self, folder: Path, ports: dict[str, str], forked: Path) -> None:
        self._state, self._here, self._ports = folder / "state", folder, ports
        self._state.write_text("")
        self._forked, self._first = forked, folder / "first"  # on the path, which lasts, and empty until then
        self._path = os.pathsep.join([str(self._first), str(Path(sys.executable).parent), os.environ["PATH"]])
        self._background: list[subprocess.Popen[bytes]] = []
        self._folder = folder

    @property
    def log(self) -> str:
        """What the program that was started last has said."""
        return self.plain(self._log.read_text(encoding="utf-8")) if self._background else ""

    def wait_for_more_than(self, said: str) -> None:
        """Wait until the program that was started last says something new."""
        ends = time.monotonic() + PATIENCE
        while self.log == said:
            assert not self.down and time.monotonic() < ends, f"nothing more was said than:\n{said}"
            time.sleep(0.05)

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
            timeout=600,  # of a machine that is busy; it only ends what hangs
            check=False,
        )
        if where.exists():
            self._here = Path(where.read_text().strip())
        if "rowen " in text and not self._first.exists():
            self._first.symlink_to(self._forked)
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
        return {**kept, **models, **WIDE, "PATH": self._path, "ROWEN_PORT": self._ports["8484"]}


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


def read_out(terminal: Terminal, page: Path, *, leave_out: set[str]) -> int:
    """Do what a page says, in order; return how many blocks were run."""
    found = blocks(page)
    ran = 0
    for block, after in zip(found, [*found[1:], None], strict=True):
        if leave_out & set(block.words):
            continue
        text = terminal.real(block.text)
        if block.named("file"):
            said = terminal.log
            (terminal.here / block.named("file")).write_text(text, encoding="utf-8")
            if "reloads" in block.words:
                terminal.wait_for_more_than(said)
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
        time.sleep(LOOKS if block.named("patience") and not background else 0.2)


def tell(text: str) -> None:
    """Print what happens, for `make story`."""
    if os.environ.get("ROWEN_TELL") and text:
        print(text, flush=True)


@pytest.fixture(scope="module")
def forked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the commands that the documents show, forked from what has imported what they need.

    What the programs of a document import besides, its tests have as `PROGRAMS_IMPORT`.
    """
    folder = tmp_path_factory.mktemp("forked")
    imported = (*BORN_WITH, *getattr(request.module, "PROGRAMS_IMPORT", ()))
    with closing(Nursery(imported, env={**os.environ, **WIDE})) as nursery:
        write_command(folder / "rowen", nursery, ROWEN)
        write_command(folder / "python", nursery, PYTHON)
        yield folder


@pytest.fixture
def terminal(tmp_path: Path, forked: Path) -> Iterator[Terminal]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = {"8484": str(one.getsockname()[1]), "8485": str(other.getsockname()[1])}
    if shutil.which("bash") is None:
        pytest.skip("NOT TESTED: the tutorials are run by bash, which is not here")
    found = Terminal(tmp_path, ports, forked)
    yield found
    found.close()
