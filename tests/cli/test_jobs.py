import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.jobs import command
from rowen.jobs import Queue
from rowen.store.catalog import open_store
from rowen.values import Mistaken, SystemClock


@pytest.fixture
def run(tmp_path):
    async def fill():
        store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
        await Queue(store.records, SystemClock()).add(
            "score.backfill", id="job-1", app="handbook", about="last week", total=9
        )
        await store.close()

    asyncio.run(fill())
    where = ["--store", f"sqlite:{tmp_path}/data"]

    def invoke(*words):
        found = CliRunner().invoke(command, [*words, *where], catch_exceptions=False)
        assert found.exit_code == 0
        return found.output

    return invoke


def test_jobs_are_listed_with_their_progress(run):
    (row,) = json.loads(run("list", "--json"))

    assert (row["id"], row["state"], row["done"], row["note"]) == ("job-1", "queued", "0 of 9", "last week")
    assert json.loads(run("list", "--json", "--state", "failed")) == []


def test_a_job_is_paused_resumed_and_cancelled(run):
    states = [json.loads(run(verb, "job-1", "--json")) for verb in ("pause", "resume", "cancel")]

    assert [each.get("state", "queued") for each in states] == ["paused", "queued", "cancelled"]
    assert json.loads(run("show", "job-1"))["state"] == "cancelled"


def test_a_job_that_is_not_there_is_named(run):
    with pytest.raises(Mistaken, match="no job nothing"):
        run("show", "nothing")
