"""The whole loop through the doors: traffic, traces, cases, an evaluation, a change, the gate, a rollout, a measured improvement."""

from pathlib import Path
from typing import Any

from rowen.config import read
from rowen.serve.tables import TABLES
from rowen.testing.clock import FakeClock

from .test_releasing import Place, clock, placed

__all__ = ["clock"]

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
options = {{ say = "We open at {hour}." }}
[[score]]
kind = "exact"
name = "right"
[metrics]
primary = "right"
[evaluate.hours]
cases = "dataset:hours"
must = {{ right = ">= 0.5" }}
[release]
strategy = "canary"
steps = [50, 100]
least = 20
gate = ["evaluate.hours"]
"""
TRUE = "We open at ten."


def written(folder: Path, hour: str) -> Path:
    (folder / "app.toml").write_text(APP.format(hour=hour))
    return folder / "app.toml"


async def posted(place: Place, path: str, status: int = 200, **body: Any) -> Any:
    answer = await place.client.post(path, json=body)
    assert answer.status_code == status, (path, answer.text)
    return answer.json().get("data", answer.json())


async def got(place: Place, path: str) -> Any:
    answer = await place.client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()["data"]


async def lived(place: Place, clock: FakeClock, users: range) -> float:
    """Let users ask, each of whom says whether the answer is right; return the share that is."""
    answers = []
    for number in users:
        body = {
            "model": "main",
            "user": f"u{number}",
            "messages": [{"role": "user", "content": f"When do you open, asks {number}?"}],
        }
        answer = await place.client.post("/v1/chat/completions", json=body)
        answers.append((answer.json()["choices"][0]["message"]["content"] == TRUE, answer.headers["x-rowen-trace"]))
    await place.server.opened.traces_written()
    for right, trace in answers:
        await posted(place, "/api/scores", 201, name="right", value=right, trace=trace)
    clock.move(1)
    for rollout in (await place.live()).rollouts:
        await place.server.opened.rolling.rounds.look(rollout)
    await place.served.refresh()
    return sum(right for right, _ in answers) / len(answers)


async def evaluated(place: Place, definition: str = "") -> Any:
    """Run the suite in the background; return the run."""
    begun = await posted(place, "/api/runs", 201, app="shop", suite="hours", definition=definition)
    await place.server.opened.worked()
    return (await got(place, f"/api/runs/{begun['id']}"))["run"]


async def test_what_users_call_wrong_becomes_cases_on_which_a_change_is_tried_let_out_and_seen_to_help(tmp_path, clock):
    async with placed(written(tmp_path, "nine"), clock) as place:
        await place.server.opened.worker.stop()
        before = await lived(place, clock, range(20))
        wrong = [each for each in await got(place, "/api/scores?name=right&limit=100") if not each["value"]]
        for each in wrong:
            await posted(place, "/api/cases", 201, trace=each["trace"], dataset="hours", expected=TRUE)
        old = await evaluated(place)
    async with placed(written(tmp_path, "ten"), clock) as place:
        await place.server.opened.worker.stop()
        changed = read(tmp_path / "app.toml", TABLES).definition.hash
        made = await posted(place, "/api/releases/shop/versions", 201, definition=changed, note="We open at ten")
        out = f"/api/releases/shop/versions/{made['number']}/release"
        refused = await place.client.post(out, json={})
        new = await evaluated(place, changed)
        compared = (await got(place, f"/api/runs/compare?runs={old['id']},{new['id']}"))[0]
        begun = await posted(place, out, note="We open at ten")
        await place.served.refresh()

        few = await lived(place, clock, range(100, 150))
        meanwhile = await place.live()
        many = await lived(place, clock, range(200, 380))
        after = await lived(place, clock, range(400, 410))

        (primary, *_), log = compared["differences"], await got(place, "/api/releases/shop")
        assert (before, len(wrong)) == (0.0, 20)
        assert refused.status_code == 409
        assert "never run on this version" in refused.text
        assert (primary["metric"], primary["difference"]["value"], primary["standing"]) == ("right", 1.0, "better")
        assert begun["rollout"]["strategy"] == "canary"
        assert 0.2 < few < 0.8
        assert meanwhile.rollouts  # so few calls show nothing yet, though each version has its 20 users
        assert 0.3 < many < 0.7
        assert after == 1.0
        assert [(line["act"], line["by"] == "rowen") for line in log[:2]] == [("promote", True), ("begin", False)]
        assert "right (primary) is better: 1" in log[0]["note"]
        assert [line["act"] for line in log[2:]] == ["refuse", "propose", "release"]
