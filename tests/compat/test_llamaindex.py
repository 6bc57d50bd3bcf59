"""LlamaIndex's OpenAI client. It wants an older `openai` than ours, so it lives in an environment of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

HERE = Path(__file__).parent / "llamaindex"


@pytest.fixture(scope="module")
def python(installed) -> Path:
    """An interpreter that has LlamaIndex."""
    made: Path = installed("llamaindex", HERE / "requirements.txt")
    return made


@pytest.fixture(scope="module")
def found(python: Path, rowen: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program found. Its tokenizer and data folders are empty, and its proxy leads nowhere."""
    folder = tmp_path_factory.mktemp("llamaindex")
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        [str(python), str(HERE / "ask.py")],
        env={
            "OPENAI_BASE_URL": f"{rowen.url}/v1",
            "OPENAI_API_KEY": rowen.key,
            "FOUND": str(folder / "found.json"),
            "HOME": str(folder),
            "TIKTOKEN_CACHE_DIR": str(folder),
            "LLAMA_INDEX_CACHE_DIR": str(folder),
            "NO_PROXY": "127.0.0.1",
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return result


def test_chat_and_completion_are_answered(found):
    assert found["chat"] == "The sky is blue today."
    assert found["completed"] == "Say it again."


def test_chat_is_streamed_and_comes_to_tasks(found):
    assert found["pieces"] == ["The ", "sky ", "is ", "blue ", "today."]
    assert found["tasked"] == {"whole": "The sky is blue today.", "streamed": "The sky is blue today."}


def test_tools_go_round(found):
    assert found["tools"] == {
        "cities": ["Oslo", "Rome"],
        "after": "The sky is blue today.",
        "streamed": ["Oslo", "Rome"],
    }


def test_an_error_is_the_clients_own(found):
    assert found["error"] == "NotFoundError"
