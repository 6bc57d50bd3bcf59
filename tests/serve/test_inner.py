"""What models are told of a person's question, for the house's own ends, goes when the question goes."""

import json
from pathlib import Path

import msgspec

from rowen.serve.erasing import erase
from rowen.store.base import TraceFilter
from rowen.testing.contracts.spans import a_span
from rowen.values import TraceRow

from .test_indexes import indexed
from .test_releasing import Place, clock, placed

__all__ = ["clock"]

SECRET = "zanzibar"  # in what Ann asks, and in nothing else
RUN = """
[evaluate.smoke]
cases = "cases.jsonl"
trials = 2
"""
APP = """
[app]
name = "shop"
model = "main"
[models.main]
provider = "echo"
[models.judge]
provider = "echo"
options = { say = '{"reason": "it helps", "label": "good", "confidence": 0.8}' }
[models.vague]
provider = "echo"
options = { say = "hard to say" }
[models.vectors]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
rewrite = "model"
rerank = "model:main"
tables = "model:main"
[[score]]
kind = "judge"
name = "helpful"
prompt = "helpful.md"
model = "judge"
options = { labels = { good = 1, bad = 0 } }
[[score]]
kind = "judge"
name = "unclear"
prompt = "helpful.md"
model = "vague"
options = { labels = { good = 1, bad = 0 } }
[[score]]
kind = "similarity"
name = "alike"
model = "vectors"
options = { to = "question" }
"""


def written(folder: Path) -> Path:
    (folder / "docs").mkdir()
    (folder / "docs" / "leave.md").write_text("Everybody has 28 days of leave.")
    (folder / "docs" / "stock.csv").write_text("Item;Pieces\nnail;1000\nscrew;250\n")
    (folder / "helpful.md").write_text("Is it helpful?\n{{question}}\n{{answer}}\n")
    (folder / "app.toml").write_text(APP)
    return folder / "app.toml"


async def asked(place: Place, text: str, user: str) -> str:
    body = {"model": "main", "messages": [{"role": "user", "content": text}], "user": user}
    answer = await place.client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    await place.server.opened.traces_written()
    return answer.headers["x-rowen-trace"]


async def told(place: Place) -> list[TraceRow]:
    """Return the rows of the calls in which the secret stands."""
    await place.server.opened.traces_written()
    traces = place.server.opened.store.traces
    rows = await traces.find(TraceFilter(limit=100))
    return [row for row in rows if SECRET.encode() in msgspec.json.encode(await traces.get(row.id, row.tenant))]


async def test_of_a_person_no_word_is_left_in_what_searches_and_judges_asked_of_models(tmp_path, clock):
    async with placed(written(tmp_path), clock) as place:
        await indexed(place)
        hers = await asked(place, f"How many pieces of {SECRET} are there, and how much leave?", "ann")
        his = await asked(place, "How many nails are there?", "bob")
        clock.move(60)
        for name in ("helpful", "unclear", "alike"):
            window = {"since_ns": 1, "until_ns": clock.now_ns()}
            assert (await place.client.post(f"/api/rules/{name}/preflight", json=window)).status_code == 200
            assert (await place.client.post(f"/api/rules/{name}/backfill", json=window)).status_code == 200
        await place.server.opened.worked()
        before = await told(place)
        every = len(await place.server.opened.store.traces.find(TraceFilter(limit=100)))

        page = (await place.client.get(f"/api/traces?within={hers}")).json()["data"]

        gone = await erase(place.server.opened.store, clock, "default", user="ann")

        inner = [row for row in before if row.id != hers]
        features = [row.feature for row in inner]
        assert {*features} == {"retrieve", "judge:helpful", "judge:unclear", "judge:alike"}
        assert features.count("retrieve") == 3  # what rewrites, what puts in order, what writes the SQL
        assert {row.within for row in inner} == {hers}
        assert {each["id"] for each in page} == {row.id for row in inner}
        assert {(row.user, row.session, row.tenant) for row in inner} == {("", "", "default")}
        assert await told(place) == []
        assert gone.traces == len(before)
        left = await place.server.opened.store.traces.find(TraceFilter(limit=100))
        assert len(left) == every - gone.traces
        assert {row.within for row in left if row.id != his} == {his}


async def test_of_a_person_no_word_is_left_in_what_runs_asked_of_models_and_of_judges(tmp_path, clock):
    path = written(tmp_path)
    path.write_text(APP + RUN)
    rows = [
        {"id": "hers", "input": f"How many pieces of {SECRET} are there?", "user": "ann"},
        {"id": "his", "input": "How many nails are there?", "user": "bob"},
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    async with placed(path, clock) as place:
        await indexed(place)
        began = await place.client.post("/api/runs", json={"app": "shop", "suite": "smoke"})
        assert began.status_code == 201, began.text
        await place.server.opened.worked()
        before = await told(place)
        every = len(await place.server.opened.store.traces.find(TraceFilter(limit=100)))

        gone = await erase(place.server.opened.store, clock, "default", user="ann")

        features = {row.feature for row in before}
        assert features == {"evaluate", "retrieve", "judge:helpful", "judge:unclear", "judge:alike"}
        assert await told(place) == []
        assert (gone.versions, gone.outcomes, gone.traces) == (1, 2, len(before))
        left = await place.server.opened.store.traces.find(TraceFilter(limit=100))
        assert len(left) == every - gone.traces > 0


async def test_of_a_person_no_word_is_left_in_what_judges_were_told_of_another_programs_spans(tmp_path, clock):
    async with placed(written(tmp_path), clock) as place:
        await indexed(place)
        store = place.server.opened.store
        for who, trace, text in (("ann", "a" * 32, SECRET), ("bob", "b" * 32, "nails")):
            await store.traces.observe(
                [a_span(1, trace, app="shop", tenant="default", user=who, session="", input=f"where are the {text}?", output=f"{text} are there", started_ns=clock.now_ns())]
            )  # fmt: skip
        clock.move(60)
        for name in ("helpful", "unclear", "alike"):
            window = {"since_ns": 1, "until_ns": clock.now_ns()}
            assert (await place.client.post(f"/api/rules/{name}/preflight", json=window)).status_code == 200
            assert (await place.client.post(f"/api/rules/{name}/backfill", json=window)).status_code == 200
        await place.server.opened.worked()
        before = await told(place)
        every = len(await store.traces.find(TraceFilter(limit=100)))

        gone = await erase(store, clock, "default", user="ann")

        inner = [row for row in before if row.origin == "call"]
        assert {row.feature for row in inner} == {"judge:helpful", "judge:unclear", "judge:alike"}
        assert {row.within for row in inner} == {"a" * 32}
        assert await told(place) == []
        assert gone.traces == len(before) == every / 2
