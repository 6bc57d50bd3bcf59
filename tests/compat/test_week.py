"""The chain of the tutorial "a week in production": LangChain, traced from outside, as the page has it typed."""

import re
import subprocess
from pathlib import Path

import pytest

from rowen.store.base import TraceFilter
from rowen.testing.serving import serving

pytestmark = pytest.mark.compat

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial/a-week-in-production.md"

APP = """
[app]
name = "handbook"
[models.fast]
provider = "echo"
options = { say = "You have 28 days." }
"""


def test_a_langchain_program_is_traced_without_a_word_in_it(installed, quiet_environment, tmp_path: Path):
    python: Path = installed("traces", Path(__file__).parent / "traces/requirements.txt")
    typed = re.findall(r"^```sh compat\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]
    program = (ROOT / "examples/03-week/helper.py").read_text(encoding="utf-8")
    app = tmp_path / "app.toml"
    app.write_text(APP)

    with serving(app, store=f"sqlite:{tmp_path}/data") as rowen:
        here = rowen.url.removeprefix("http://")
        (tmp_path / "helper.py").write_text(program.replace("127.0.0.1:8484", here))
        done = subprocess.run(
            ["bash", "-e", "-c", typed.replace("127.0.0.1:8484", here)],
            cwd=tmp_path,
            env={
                **quiet_environment,
                "PATH": f"{python.parent}:{quiet_environment['PATH']}",
                "ROWEN_KEY": rowen.key,
                # This environment has other people's tracers too, which the page does not install.
                "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai,httpx,httpx2",
            },
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        rowen.do(rowen.opened.traces_written())
        rows = rowen.do(rowen.opened.store.traces.find(TraceFilter(limit=10)))
        chain = next(row for row in rows if row.app == "helper")
        types = {row.type for row in rowen.do(rowen.opened.store.traces.spans(chain.id, "default"))}

    assert done.returncode == 0, done.stderr[-3000:]
    assert "You have 28 days." in done.stdout
    assert "rowen" not in program.lower().replace("rowen_key", "")
    assert sorted(row.app for row in rows) == ["handbook", "helper"]
    assert {"chain", "llm"} <= types
    assert (chain.asked, chain.said) == ("How many days of holiday do I have?", "You have 28 days.")
