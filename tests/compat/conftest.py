"""A served Rowen whose models play scripts, for software that was written for somebody else's service."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from rowen.testing.processes import Nursery
from rowen.testing.serving import Running, serving
from rowen.testing.upstream import FaultUpstream

FAIR = {"name": "Science fair", "day": "Friday", "people": ["Alice", "Bob"]}

APP = f"""
[app]
name = "shop"

[models.main]
provider = "echo"

[models.sky]
provider = "echo"
options = {{ say = "The sky is blue today.", usage = {{ input_tokens = 11, output_tokens = 5, cache_read_tokens = 3 }} }}

[models.thinks]
provider = "echo"
options = {{ think = "Two and two.", say = "Four." }}

[models.caller]
provider = "echo"
options = {{ tool_calls = [{{ name = "weather", id = "call_oslo", arguments = {{ city = "Oslo" }} }}, {{ name = "weather", id = "call_rome", arguments = {{ city = "Rome" }} }}] }}

[models.fair]
provider = "echo"
options = {{ say = {json.dumps(json.dumps(FAIR))}, pieces = 5 }}

# LlamaIndex takes only names that it knows.
[models."gpt-4o-mini"]
provider = "echo"
options = {{ say = "The sky is blue today." }}

[models."gpt-4o"]
provider = "echo"
options = {{ tool_calls = [{{ name = "weather", arguments = {{ city = "Oslo" }} }}, {{ name = "weather", arguments = {{ city = "Rome" }} }}] }}

[models."gpt-4.1"]
provider = "echo"

[models.slow]
provider = "echo"
options = {{ delay = 60 }}

[models.limited]
provider = "echo"
retries = 0
options = {{ fail = "upstream_limited", retry_after = 7 }}

[models.filtered]
provider = "echo"
retries = 0
options = {{ fail = "upstream_filtered" }}

[models.down]
provider = "echo"
retries = 0
options = {{ fail = "upstream_error" }}

[models.shaky]
provider = "echo"
retries = 0
options = {{ fail = "upstream_error", fail_times = 1 }}

[models.cut]
provider = "echo"
retries = 0
options = {{ say = "one two three four", cut_after = 2 }}
"""

TIGHT = """
[app]
name = "tight"

[models.echo]
provider = "echo"

[limits]
per_key = "1/min"
"""


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The app `shop`, and beside it `tight`, which takes one call a minute."""
    folder = tmp_path_factory.mktemp("served")
    with serving(
        written(folder / "shop", APP), written(folder / "tight", TIGHT), store=f"sqlite:{folder}/data"
    ) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[FaultUpstream]:
    """Somebody else's service, as its reference says it answers."""
    with FaultUpstream.in_thread() as up:
        yield up


@pytest.fixture(scope="module")
def quiet_environment() -> dict[str, str]:
    """What a program inherits: nothing that points it anywhere, and nothing that lets it go online unasked."""
    kept = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR"}
    }
    return {**kept, "NO_PROXY": "127.0.0.1"}


Make = Callable[[Path], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def kept() -> Callable[[str, Path, Make], Path]:
    """Gives a folder of somebody's software, made once for a lock file and kept beside the interpreter's environment."""

    def folder(name: str, lock: Path, make: Make) -> Path:
        found = Path(sys.prefix) / "compat" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
        found.mkdir(parents=True, exist_ok=True)
        with (found / "making").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # the tests run in several processes
            if not (found / "whole").exists():
                done = make(found)
                if done.returncode:
                    pytest.skip(f"{name.upper()} COULD NOT BE FETCHED and was NOT tried: {done.stderr[-400:]}")
                (found / "whole").touch()
        return found

    return folder


def ran(module: str, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **env},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def installed(kept) -> Callable[[str, Path], Path]:
    """Gives an interpreter that has what a lock file pins, in an environment of its own."""

    def python(name: str, lock: Path) -> Path:
        def make(folder: Path) -> subprocess.CompletedProcess[str]:
            venv.create(folder, with_pip=False, symlinks=True)
            into = ["--python", str(folder / "bin" / "python")]
            pinned = ["--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
            # As `tools/install` does: uv takes a quarter of pip's time. It is told of the index that pip is set to.
            index = os.environ.get("PIP_INDEX_URL") or ran("pip", "config", "get", "global.index-url").stdout.strip()
            done = ran("uv", "pip", "install", *into, *pinned, **({"UV_DEFAULT_INDEX": index} if index else {}))
            return done if done.returncode == 0 else ran("pip", *into, "install", "--no-compile", *pinned)

        made: Path = kept(name, lock, make)
        return made / "bin" / "python"

    return python


@pytest.fixture(scope="module")
def nurseries() -> Iterator[Callable[..., Nursery]]:
    """Gives what runs programs of an interpreter that have imported what they need: to start each anew takes seconds."""
    made: list[Nursery] = []

    def nursery(python: Path, modules: Sequence[str], env: Mapping[str, str]) -> Nursery:
        made.append(Nursery(modules, python=str(python), env=env))
        return made[-1]

    yield nursery
    for each in made:
        each.close()


def written(folder: Path, app: str) -> Path:
    """Write an app's file and say where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.toml").write_text(app)
    return folder / "app.toml"
