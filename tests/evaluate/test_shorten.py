"""Shorter prompts: what says nothing goes, code and variables stay, and only what a run shows to be no worse is taken."""

import asyncio
import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rowen.cli.main import rowen
from rowen.evaluate.run.base import shelf
from rowen.evaluate.shorten import shorten
from rowen.store.catalog import open_store
from rowen.values import Mistaken, Outcome, Run, SystemClock, Target

PROMPT = """You are a helper of a shop.


Please note that returns are free within 30 days.
==========
In order to answer, read the handbook that is quoted below first.
Make sure to always name the section of the handbook that you rely on.
Returns are free within 30 days.
Always name the section of the handbook that you rely on!

```
please   keep this
```
{{ question }}
"""


def words(text: str) -> int:
    return len(text.split())


def test_filler_repetition_and_drawn_lines_go_and_what_is_said_stays():
    found = shorten(PROMPT, words)

    assert "Returns are free within 30 days." in found.text
    assert found.text.count("30 days") == 1
    assert found.text.lower().count("always name the section") == 1
    assert "To answer, read the handbook" in found.text
    assert "=====" not in found.text
    assert "\n\n\n" not in found.text
    assert {each.rule for each in found.cuttings} >= {"filler", "repetition", "lines that are drawn"}
    assert found.after < found.before


def test_code_and_variables_stay_as_they_are():
    found = shorten(PROMPT, words)

    assert "```\nplease   keep this\n```" in found.text
    assert "{{ question }}" in found.text


def test_what_is_short_already_is_left_alone():
    found = shorten("Answer in one sentence.\n", words)

    assert (found.text, found.cuttings) == ("Answer in one sentence.\n", ())


@given(st.text(alphabet=st.sampled_from("ab .!\n{}<>`please very "), max_size=200))
def test_a_prompt_never_becomes_longer_and_shortening_ends(text):
    found = shorten(text, words)

    assert len(found.text) <= len(text) + 1
    assert found.after <= found.before


@pytest.fixture
def store(tmp_path) -> str:
    address = f"sqlite:{tmp_path}/data"

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        for id, bad in (("long", 5), ("short", 5), ("lossy", 60)):
            run = Run(id=id, target=Target(kind="callable"), metrics=("right",), state="done")
            await shelf(found.records).put(run)
            outcomes = [Outcome(case=f"c{n:03}", numbers={"right": float(n >= bad)}) for n in range(300)]
            await found.runs.put(id, outcomes, tenant="default")
        await found.close()

    asyncio.run(fill())
    return address


def test_a_shorter_prompt_is_taken_only_when_a_run_shows_that_it_is_no_worse(store, tmp_path):
    prompt, short = tmp_path / "system.md", tmp_path / "short.md"
    prompt.write_text(PROMPT)

    def run(*more: str):
        return CliRunner().invoke(rowen, ["shorten", *more], catch_exceptions=False, standalone_mode=False)

    def accept(after: str, *more: str):
        files = (str(prompt), str(short))
        return run("accept", *files, "--before", "long", "--after", after, "--store", store, *more)

    suggested = json.loads(run("suggest", str(prompt), "--to", str(short), "--json").output)
    lossy = accept("lossy", "--primary", "right", "--margin", "0.05")
    unsaid = accept("short", "--primary", "right")
    kept = prompt.read_text()
    taken = accept("short", "--primary", "right", "--margin", "0.05")

    assert suggested["after"] < suggested["before"]
    assert (lossy.return_value, "right is worse" in lossy.output) == (3, True)
    assert (unsaid.return_value, "no margin" in " ".join(unsaid.output.split())) == (3, True)
    assert kept == PROMPT
    assert taken.return_value is None
    assert prompt.read_text() == short.read_text()
    again = accept("short", "--primary", "right", "--margin", "0.05")
    assert (again.return_value, "not shorter" in again.output) == (3, True)
    with pytest.raises(Mistaken, match="cannot read"):
        run("suggest", str(tmp_path / "gone.md"))
