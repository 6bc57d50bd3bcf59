"""The `openai` package for Node, unmodified, led here by its environment."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def package(kept) -> Path:
    """A folder with the package in it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("NODE IS NOT HERE: the openai package for Node was NOT tried. Install Node 20 or newer, with npm.")

    def make(folder: Path) -> subprocess.CompletedProcess[str]:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        return subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    made: Path = kept("openai-for-node", HERE / "package-lock.json", make)
    return made


@pytest.fixture(scope="module")
def found(package: Path, rowen: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program found."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(package / "node_modules")
    program = folder / "ask.mjs"
    shutil.copy(HERE / "ask.mjs", program)
    done = subprocess.run(
        [shutil.which("node") or "node", str(program)],
        env={"OPENAI_BASE_URL": f"{rowen.url}/v1", "OPENAI_API_KEY": rowen.key, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_chat_is_answered_whole_and_streamed(found):
    assert found["chat"]["text"] == "".join(found["pieces"]) == "The sky is blue today."
    assert len(found["pieces"]) == 5
    assert found["chat"]["usage"] == found["streamedUsage"] == 16
    assert found["chat"]["request"]


def test_tools_go_round_whole_streamed_and_run_by_the_package(found):
    assert found["tools"] == {"cities": ["Oslo", "Rome"], "after": "The sky is blue today."}
    assert found["streamedTools"] == ["Oslo", "Rome"]
    assert found["ran"] == ["Rain in Oslo.", "Rain in Rome."]


def test_responses_are_answered_continued_kept_and_streamed(found):
    assert found["responses"] == {"first": "Call me Ishmael.", "next": "Who?", "kept": True}
    assert found["streamedResponse"] == "The sky is blue today."


def test_embeddings_and_models_come(found):
    assert found["embeddings"] == [8, 8]
    assert {"main", "sky", "tight/echo"} <= set(found["models"])


def test_errors_become_the_packages_own(found):
    assert found["errors"] == {
        "nope": ["NotFoundError", "model_unknown"],
        "limited": ["RateLimitError", "upstream_limited"],
        "stranger": ["AuthenticationError", "key_unknown"],
        "slow": ["APIConnectionTimeoutError", None],
        "cut": ["APIError", "upstream_cut"],
    }
