"""A provider exchanges its model in silence: the server hears it in the next cycle, and tells the app's contact."""

import asyncio
import json
from decimal import Decimal

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.config import read
from rowen.evaluate.canary import Reading, Said
from rowen.serve.canarying import canaries_of
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.shapes import openai_stream
from rowen.testing.upstream import FaultUpstream
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
[models.main]
provider = "vllm"
model = "grass-1"
base_url = "{url}/v1"
price = {{ input = "1", output = "2" }}
[models.vectors]
provider = "echo"
[canary.hay]
prompts = ["Is hay dry?", "Is hay green?"]
models = ["main"]
every = "1h"
asks = 6
[alerts.team]
kind = "webhook"
address = "{url}/hook"
"""


@pytest.fixture
async def upstream():
    async with FaultUpstream() as up:
        up.on("/hook", openai_stream(["ok"]))
        yield up


async def test_a_model_that_is_exchanged_in_silence_is_told_of_within_one_cycle(upstream, tmp_path):
    (tmp_path / "app.toml").write_text(APP.format(url=upstream.url))
    clock = FakeClock()
    server = Server(ServerSettings(store="memory:"), [tmp_path / "app.toml"], clock=clock)
    opened = await server.open()
    try:

        async def cycle(say: str) -> list:
            upstream.on("/v1/chat/completions", openai_stream([say], model="grass-1"))
            await opened.worked()
            for _ in range(2):
                await opened.watching.engine.tick()
                clock.move(61)
            clock.move(3600)
            return [request.json() for request in upstream.requests if request.path == "/hook"]

        assert await cycle("Yes, it is dry.") == []
        assert await cycle("Yes, it is dry.") == []
        told = await cycle("No, it is wet and grey.")
        again = await cycle("No, it is wet and grey.")
    finally:
        await server.close()

    (one,) = told
    said = str(one)
    assert "The model grass-1 at main answers otherwise than it did" in said
    assert "“Yes, it is dry.” became “No, it is wet and grey.”" in said
    assert again == told


def test_a_canary_of_a_model_that_is_none_is_refused_with_its_line(tmp_path):
    path = tmp_path / "app.toml"
    path.write_text('[models.main]\nprovider = "echo"\n[canary.hay]\nmodels = ["mian"]\n')

    with pytest.raises(Mistaken, match='no model "mian"') as refused:
        canaries_of(read(path, TABLES))

    assert "app.toml:4" in refused.value.place


def test_without_models_every_place_that_answers_questions_is_asked(tmp_path):
    path = tmp_path / "app.toml"
    path.write_text('[models.main]\nprovider = "echo"\n[models.small]\nprovider = "echo"\n[canary.hay]\nevery = "2h"\n')

    (canary,) = canaries_of(read(path, TABLES))

    assert [place.name for place in canary.places] == ["main", "small"]
    assert canary.table.every == 7200


def test_what_was_heard_is_listed_and_shown_at_the_command_line(tmp_path):
    address = f"sqlite:{tmp_path}/data"

    async def fill() -> None:
        store = await open_store(address, clock=FakeClock())
        said = Said(text="[b]Yes.[/b]", served="grass-1", cost=Decimal("0.001"))
        for number, changed in enumerate((True, False)):
            reading = Reading(
                id=f"r{number}", app="shop", canary="hay", deployment="main", model="grass-1", prompts="p",
                answers=((said, said),), at_ns=number + 1, changed=changed, why="other words" if changed else "",
            )  # fmt: skip
            await Reading.shelf(store.records).put(reading)
        await store.close()

    asyncio.run(fill())

    def run(*words: str) -> str:
        ended = CliRunner().invoke(rowen, ["canaries", *words, "--store", address], standalone_mode=False)
        assert ended.exception is None
        return ended.output

    (newest,) = json.loads(run("list", "--json"))
    (changed,) = json.loads(run("list", "--changes", "--json"))

    assert (newest["changed"], newest["cost"]) == (False, "0.002")
    assert (changed["changed"], changed["said"]) == (True, "other words")
    assert "[b]Yes.[/b]" in run("show", "main")
    assert "No canary has been asked of gone." in run("show", "gone")
