"""The `llm` command line, told of Rowen by its own list of further models."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

MODELS = """
- model_id: rowen-{name}
  model_name: {name}
  api_base: "{base}"
  api_key_name: rowen
  supports_tools: true
  supports_schema: true
"""

AS_MODULE = "import runpy; runpy.run_module('llm', run_name='__main__', alter_sys=True)"


@pytest.fixture(scope="module")
def running(nurseries, quiet_environment: dict[str, str]):
    """Runs programs that have imported `llm`, without plug-ins of whoever runs the tests."""
    modules = ("llm.cli", "llm.default_plugins.openai_models", "openai")
    return nurseries(sys.executable, modules, {**quiet_environment, "LLM_LOAD_PLUGINS": ""})


@pytest.fixture
def llm(rowen: Running, running, tmp_path: Path, quiet_environment: dict[str, str]):
    """Runs `llm` with a user folder of its own."""
    listed = "".join(MODELS.format(name=name, base=f"{rowen.url}/v1") for name in ("sky", "fair", "filtered"))
    (tmp_path / "extra-openai-models.yaml").write_text(listed)
    (tmp_path / "keys.json").write_text(json.dumps({"rowen": rowen.key}))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**quiet_environment, "LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""}
        done: subprocess.CompletedProcess[str] = running.run(AS_MODULE, *words, env=environment)
        return done

    return run


def test_a_streamed_prompt_is_answered_and_the_conversation_goes_on(llm):
    first = llm("prompt", "-m", "rowen-sky", "-s", "Be brief.", "What is the sky like?")
    second = llm("prompt", "-m", "rowen-sky", "--continue", "And tomorrow?")

    assert first.stdout == second.stdout == "The sky is blue today.\n", first.stderr + second.stderr


def test_a_schema_is_obeyed_and_usage_is_shown(llm):
    done = llm("prompt", "-m", "rowen-fair", "--no-stream", "--usage", "--schema", "name, day, people", "When is it?")

    assert json.loads(done.stdout)["day"] == "Friday", done.stderr
    assert " input, " in done.stderr


def test_an_error_is_shown(llm):
    done = llm("prompt", "-m", "rowen-filtered", "--no-stream", "Hello")

    assert done.returncode != 0
    assert "content filter" in done.stderr
