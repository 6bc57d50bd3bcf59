"""`rowen.trace` in a program of its own, against a served Rowen."""

import json
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import rowen as sdk
from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

PROGRAM = """
    import os, rowen

    @rowen.trace(type="retriever")
    def search(question):
        return ["Opening hours: 9 to 5."]

    @rowen.trace(type="llm", name="chat small")
    def ask(messages):
        rowen.current().set(model="small", provider="openai", input=messages)
        rowen.current().usage(input_tokens=42, output_tokens=7, cost=0.00003)
        yield "We are open "
        yield "from 9 to 5."

    @rowen.trace
    def answer(question):
        rowen.session("chat-17"); rowen.user("u-3"); rowen.tag("beta")
        found = search(question)
        said = "".join(ask([{"role": "user", "content": question}]))
        rowen.score("grounded", 0.9, source="rule", by="hours", reason="It is in the text.")
        return said

    with rowen.continued(os.environ):
        print(rowen.headers().get("traceparent", ""))
        assert answer("When are you open?") == "We are open from 9 to 5."
        try:
            with rowen.span("pay", type="tool"):
                raise ValueError("no money")
        except ValueError:
            pass
    """


def get(running: Running, path: str) -> Any:
    request = urllib.request.Request(f"{running.url}{path}", headers={"Authorization": f"Bearer {running.admin}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def ran(running: Running, environment: dict[str, str], **more: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={
            **environment,
            "ROWEN_URL": running.url,
            "ROWEN_KEY": running.key,
            "ROWEN_APP": "hours",
            "ROWEN_ENVIRONMENT": "production",
            "ROWEN_RELEASE": "1.4.2",
            "PYTHONPATH": str(Path(sdk.__file__).parents[1]),
            **more,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_with_a_decorator_is_a_trace_like_any_other(rowen: Running, quiet_environment: dict[str, str]):
    with_parent = f"00-{'c0ffee' * 5}42-b7ad6b7169203331-03"
    ran(rowen, quiet_environment, TRACEPARENT=with_parent)

    found = get(rowen, f"/api/traces/{'c0ffee' * 5}42")["data"]

    row = found["row"]
    spans = {span["name"]: span for span in found["spans"]}
    assert (row["origin"], row["app"], row["environment"], row["release"]) == ("spans", "hours", "production", "1.4.2")
    assert (row["session"], row["tags"], row["complete"]) == ("chat-17", ["beta"], False)
    assert row["user"]
    assert (row["input_tokens"], row["output_tokens"]) == (42, 7)
    assert float(row["cost"]) == 0.00003
    assert set(spans) == {"answer", "search", "chat small", "pay"}
    assert spans["search"]["parent"] == spans["chat small"]["parent"] == spans["answer"]["id"]
    assert spans["answer"]["parent"] == "b7ad6b7169203331"
    assert spans["pay"]["status"] == "error"
    assert spans["pay"]["events"][0]["attributes"]["exception.message"] == "no money"


def test_its_score_stands_beside_its_trace(rowen: Running, quiet_environment: dict[str, str]):
    ran(rowen, quiet_environment, TRACEPARENT=f"00-{'c0ffee' * 5}43-b7ad6b7169203331-03")

    (score,) = get(rowen, f"/api/scores?trace={'c0ffee' * 5}43")["data"]

    assert (score["name"], score["value"], score["source"], score["by"]) == ("grounded", 0.9, "rule", "hours")
    assert (score["target"], score["app"], score["release"]) == ("span", "hours", "1.4.2")
    assert score["reason"] == "It is in the text."


def test_a_call_through_rowen_from_within_says_whose_part_it_is(rowen: Running):
    sdk.connect(rowen.url, key=rowen.key, app="hours")
    body = json.dumps({"model": "shop/sky", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    with sdk.span("outer") as span:
        headers = {"Authorization": f"Bearer {rowen.key}", "Content-Type": "application/json", **sdk.headers()}
        urllib.request.urlopen(
            urllib.request.Request(f"{rowen.url}/v1/chat/completions", body, headers), timeout=20
        ).close()
    sdk.disconnect(10)

    rowen.do(rowen.opened.buffer.flush())
    (row,) = get(rowen, f"/api/traces?within={span.trace_id}")["data"]
    assert (row["origin"], row["model"]) == ("call", "sky")
