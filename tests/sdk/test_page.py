"""What docs/how-to/sdk.md shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/how-to/sdk.md"
BLOCKS = re.findall(r"^```python[^\n]*\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("ROWEN_", "OTEL_"))}


def run(code: str, url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code.replace("http://127.0.0.1:8484", url).replace("rk-…", "rk-test")],
        env=KEPT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_on_the_page_leaves_one_trace_with_a_score(sink):
    said = run(BLOCKS[0], sink.url)

    assert said == "We are open from 9 to 5.\n"
    root = sink.span("answer")
    assert {span.name: span.parent for span in sink.spans()} == {
        "answer": "",
        "search": root.id,
        "rerank": root.id,
        "ask": root.id,
    }
    assert root.attributes["session.id"] == "chat-17"
    assert sink.span("ask").attributes["gen_ai.usage.output_tokens"] == 7
    assert [(score["name"], score["value"], score["span"]) for score in sink.scores()] == [("grounded", True, root.id)]


def test_the_later_judgements_on_the_page_are_one_score_written_anew(sink):
    run(BLOCKS[1], sink.url)

    first, second = sink.scores()
    assert first["id"] == second["id"]
    assert (first["value"], second["value"]) == (False, True)
