"""The index falls behind: dated questions are answered with what held yesterday, a suite falls, and the contact is told."""

import json
import sqlite3
from contextlib import closing

from rowen.insight.calendar import moment
from rowen.testing.clock import FakeClock

from .deployment import deployed, webhook

APP = """
[app]
name = "shop"
[models.quote]
provider = "extract"
[retrieve.handbook]
embed = ""
[[retrieve.handbook.source]]
kind = "sql"
at = "SELECT id, title, text FROM page"
every = "30m"
stale_after = "2h"
options = {{ url = {{ file = "url" }}, key = ["id"], title = "title", text = ["text"] }}
[retrieve.handbook.notices]
stale = "This may be out of date."
[evaluate.dated]
cases = "dated.jsonl"
every = "1h"
must = {{ fresh = ">= 90%", "fresh.found" = ">= 90%" }}
[alerts.team]
kind = "webhook"
address = "{hook}"
"""
NEWS = "2026-10-01"
PAGES = {
    "leave": ("Every employee has {} days of paid leave in a year.", "25", "28"),
    "kitchen": ("The kitchen on the ground floor closes at {} in the evening.", "seven", "nine"),
}
ASKED = {"leave": "How many days of paid leave does an employee have?", "kitchen": "When does the kitchen close?"}


def pages(folder, which: int) -> None:
    with closing(sqlite3.connect(folder / "pages.db")) as base, base:
        base.execute("CREATE TABLE IF NOT EXISTS page (id TEXT PRIMARY KEY, title TEXT, text TEXT)")
        rows = [(id, id.title(), said[0].format(said[which])) for id, said in PAGES.items()]
        base.executemany("INSERT OR REPLACE INTO page VALUES (?, ?, ?)", rows)
    base.close()


def questions(folder) -> None:
    lines = [
        {"input": ASKED[id], "expected": said[which], date: NEWS, "document": id}
        for id, said in PAGES.items()
        for which, date in ((1, "valid_until"), (2, "valid_from"))
    ]
    (folder / "dated.jsonl").write_text("\n".join(map(json.dumps, lines)))


async def asked(shop):
    """Ask as a user does; return what was said, the warnings, and which citations are marked."""
    body = {"model": "quote", "messages": [{"role": "user", "content": ASKED["leave"]}]}
    answer = await shop.client.post("/v1/chat/completions", json=body)
    message = answer.json()["choices"][0]["message"]
    marked = [each["url_citation"]["rowen"]["stale"] for each in message["annotations"]]
    return message["content"], answer.headers.get("x-rowen-warnings", ""), marked


async def test_a_source_that_no_longer_syncs_makes_the_score_fall_and_the_contact_is_told_until_it_does_again(tmp_path):
    clock = FakeClock(moment("2026-09-30T22:00"))
    pages(tmp_path, 1)
    questions(tmp_path)
    async with webhook() as (hook, told):
        (tmp_path / "url").write_text(f"sqlite:///{tmp_path}/pages.db")
        (tmp_path / "app.toml").write_text(APP.format(hook=hook))
        async with deployed(tmp_path, clock) as shop:
            await shop.server.opened.worker.stop()  # this test says when work is done

            async def hour() -> None:
                for _ in range(2):
                    await shop.server.opened.worked()  # syncs, begins the run, does it
                    await shop.minute()
                    clock.move(1_740)

            await hour()
            fresh_before, answered = list(told), await asked(shop)
            (tmp_path / "pages.db").rename(tmp_path / "gone.db")  # the source is down on the day that things change
            clock.move(3 * 3_600)
            await hour()
            await hour()
            behind, answered_late = list(told), await asked(shop)
            (tmp_path / "gone.db").rename(tmp_path / "pages.db")
            pages(tmp_path, 2)
            await hour()
            await hour()
            answered_again = await asked(shop)
            runs = (await shop.get("/api/runs?suite=dated"))["data"]

    assert fresh_before == []
    firing = [alert for notice in behind for alert in notice["alerts"]]
    source, alert = sorted(firing, key=lambda each: each["finding"] == "evaluation")
    assert (source["finding"], source["facts"]["code"]) == ("source", "source_unreadable")
    assert (alert["finding"], alert["facts"]["suite"]) == ("evaluation", "dated")
    assert "The suite dated was not passed the last time: fresh >= 0.9: missed, 0 [" in alert["said"]
    assert "fresh.found >= 0.9: missed" in alert["said"]
    over = [alert["finding"] for notice in told if notice["what"] == "resolved" for alert in notice["alerts"]]
    assert sorted(over) == ["evaluation", "source"]
    assert {run["state"] for run in runs} == {"done"}
    assert len({run["version"] for run in runs}) == 1  # one data set, asked for what holds at its time
    assert answered == ("Every employee has 25 days of paid leave in a year. [1]", "", [False])
    assert answered_late == (f"{answered[0]}\n\nThis may be out of date.", "stale", [True])
    assert answered_again == ("Every employee has 28 days of paid leave in a year. [1]", "", [False])
