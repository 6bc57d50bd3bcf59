"""`rowen traces` on an archive."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.store.catalog import open_store
from rowen.testing.contracts.made import a_trace
from rowen.testing.contracts.scores import a_score
from rowen.testing.contracts.spans import a_span
from rowen.values import Broken, Mistaken, SystemClock

PAST = 1_700_000_000_000_000_000  # long closed on any clock


@pytest.fixture
def server(tmp_path: Path) -> str:
    async def fill() -> None:
        found = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
        await found.traces.write([a_trace(number, started_ns=PAST + number) for number in range(1, 4)])
        await found.traces.observe([a_span(1, "t1", started_ns=PAST, user="ann", tenant="umbrella")])
        await found.scores.put([a_score(1, judged_ns=PAST)])
        await found.close()

    asyncio.run(fill())
    file = tmp_path / "server.toml"
    file.write_text(f'store = "sqlite:{tmp_path}/data"\narchive = "{tmp_path}/archive"\n')
    return str(file)


def run(*words: str) -> str:
    ended = CliRunner().invoke(rowen, words, catch_exceptions=False, standalone_mode=False)
    assert ended.exit_code == 0
    return ended.stdout


def test_closed_days_are_archived_listed_and_checked(server):
    first = json.loads(run("traces", "archive", "--json", "--server", server))
    again = json.loads(run("traces", "archive", "--json", "--server", server))

    assert [(row["tenant"], row["traces"], row["spans"], row["scores"]) for row in first] == [
        ("acme", 3, 3, 1),
        ("umbrella", 1, 1, 0),
    ]
    assert again == first
    assert json.loads(run("traces", "archive", "--list", "--json", "--server", server)) == first
    assert json.loads(run("traces", "archive", "--check", "--json", "--server", server)) == first


def test_the_archive_is_asked_in_sql(server):
    run("traces", "archive", "--server", server)

    query = "SELECT tenant, count(*) AS n, sum(cost) AS cost FROM spans GROUP BY ALL ORDER BY 1"
    rows = json.loads(run("traces", "query", query, "--json", "--server", server))
    table = run("traces", "query", query, "--server", server)

    assert rows == [{"tenant": "acme", "n": 3, "cost": None}, {"tenant": "umbrella", "n": 1, "cost": "0.001"}]
    assert table.split() == ["tenant", "n", "cost", "acme", "3", "umbrella", "1", "0.001"]
    with pytest.raises(Mistaken, match="Permission"):
        run("traces", "query", "SELECT * FROM read_text('/etc/passwd')", "--server", server)


def test_archived_traces_are_listed_and_shown(server):
    run("traces", "archive", "--server", server)
    there = json.loads(run("traces", "list", "--json", "--server", server))
    whole = json.loads(run("traces", "show", "t1", "--server", server))

    assert json.loads(run("traces", "list", "--archived", "--json", "--server", server)) == there
    assert json.loads(run("traces", "show", "t1", "--archived", "--server", server)) == whole
    assert (
        json.loads(run("traces", "list", "--archived", "--app", "shop", "--json", "--server", server))[0]["id"] == "t1"
    )
    with pytest.raises(Mistaken, match="in the archive"):
        run("traces", "show", "t9", "--archived", "--server", server)
    with pytest.raises(Mistaken, match="rowen traces query"):
        run("traces", "list", "--archived", "--text", "hay", "--server", server)


def test_everything_is_exported_as_parquet_the_open_day_too(server, tmp_path):
    said = run("traces", "export", "--format", "parquet", "--to", str(tmp_path / "out"), "--server", server)
    rows = json.loads(
        run(
            "traces", "query", "SELECT id FROM traces", "--archive", str(tmp_path / "out"), "--json", "--server", server
        )
    )

    assert "4 traces, 4 spans, 1 scores" in said
    assert len(rows) == 4
    with pytest.raises(Mistaken, match="--to"):
        run("traces", "export", "--format", "parquet", "--server", server)


def test_lines_of_json_are_what_an_export_is_otherwise(server):
    lines = run("traces", "export", "--server", server).splitlines()

    assert [json.loads(line)["row"]["id"] for line in lines] == [*(a_trace(n).row.id for n in (3, 2, 1)), "t1"]


def test_a_user_is_erased_from_store_and_archive(server):
    run("traces", "archive", "--server", server)

    gone = json.loads(
        run("traces", "erase", "--tenant", "umbrella", "--user", "ann", "--yes", "--json", "--server", server)
    )

    assert gone == [
        {
            "traces": 1,
            "scores": 0,
            "items": 0,
            "cases": 0,
            "versions": 0,
            "outcomes": 0,
            "turns": 0,
            "archived_traces": 1,
            "archived_spans": 1,
            "archived_scores": 0,
            "archived_days": 1,
        }
    ]
    assert len(json.loads(run("traces", "list", "--archived", "--json", "--server", server))) == 3
    with pytest.raises(Mistaken, match="--user"):
        run("traces", "erase", "--yes", "--server", server)


def test_damage_is_named(server, tmp_path):
    run("traces", "archive", "--server", server)
    file = next((tmp_path / "archive").rglob("traces-1.parquet"))
    body = file.read_bytes()
    file.write_bytes(body[:50] + b"x" + body[51:])

    with pytest.raises(Broken, match=r"traces-1\.parquet"):
        run("traces", "archive", "--check", "--server", server)


def test_without_an_archive_it_is_said_how_to_have_one(tmp_path):
    with pytest.raises(Mistaken, match="--archive"):
        run("traces", "archive", "--store", f"sqlite:{tmp_path}/data")


WITHOUT = """
import sys
sys.modules["duckdb"] = None
from rowen.cli.main import rowen
from rowen.values import Mistaken
try:
    rowen(["traces", "query", "SELECT 1", "--archive", sys.argv[1]], standalone_mode=False)
except Mistaken as problem:
    print(problem.code, problem)
rowen(["traces", "list", "--store", f"sqlite:{sys.argv[1]}/data"], standalone_mode=False)
"""


def test_without_duckdb_it_is_said_what_to_install_and_the_rest_works(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT, str(tmp_path)], check=True, capture_output=True, text=True)

    assert " ".join(done.stdout.split()) == (
        "extra_missing the archive needs `pip install rowen[archive]` (archive) "
        "No traces yet: what a server is asked leaves one; what `rowen ask` asks leaves none."
    )
