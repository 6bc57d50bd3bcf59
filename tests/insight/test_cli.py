"""The verbs of the command line over a store on disk."""

import asyncio
import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.store.catalog import open_store
from rowen.values import Mistaken, Score, Span, SystemClock, Trace

MINUTE = 60_000_000_000


@pytest.fixture
def home(tmp_path: Path, row) -> str:
    """A store with two hundred judged calls of the last hours, every fifth of them failed."""
    now = SystemClock().now_ns()

    async def fill() -> None:
        store = await open_store(f"sqlite:{tmp_path / 'data'}", clock=SystemClock())
        traces = []
        scores = []
        for number in range(200):
            failed = number % 5 == 0
            at_ns = now - number * MINUTE // 2
            bad = number < 120 and number % 3 == 0
            one = row(
                at_ns,
                status="failed" if failed else "ok",
                code="upstream_cut" if failed else "",
                release="1.5" if bad else "1.4",
                session=f"s{number % 7}",
                asked=f"question {number}",
            )
            span = Span(
                trace=one.id, id=f"{number + 1:016x}", name="chat", kind="client", started_ns=at_ns,
                ended_ns=at_ns + 10**9, status="error" if failed else "ok", message=f"cut after {number} bytes" if failed else "",
                attributes={
                    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1-mini",
                    "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10, "rowen.deployment": "fast/0",
                    "rowen.cost": "0.01",
                },
            )  # fmt: skip
            root = span.but(id=f"{number + 5_000:016x}", attributes={}, kind="server", message="")
            traces.append(Trace(row=one, spans=(root, span.but(parent=root.id))))
            scores.append(
                Score(
                    id=f"s{number}", tenant="acme", app="handbook", trace=one.id, name="thumbs", value=not bad,
                    number=float(not bad), source="user", judged_ns=at_ns, created_ns=at_ns,
                )
            )  # fmt: skip
        await store.traces.write(traces)
        await store.scores.put(scores)
        await store.close()

    asyncio.run(fill())
    return f"sqlite:{tmp_path / 'data'}"


def run(*args: str):
    return CliRunner().invoke(rowen, [*args], catch_exceptions=True)


def test_costs_are_summed_up(home: str):
    done = run("costs", "list", "--store", home, "--since", "7d", "--by", "model", "--json")

    (entry,) = json.loads(done.stdout)
    assert (entry["group"], Decimal(entry["cost"]), entry["calls"], entry["failed"]) == ("fast", 2, 200, 40)


def test_costs_by_release_come_from_the_book_and_as_a_table(home: str):
    done = run("costs", "list", "--store", home, "--since", "7d", "--by", "release")

    assert done.exit_code == 0
    assert "1.5" in done.stdout
    assert "1.60" in done.stdout


def test_the_export_is_focus(home: str, tmp_path: Path):
    done = run("costs", "export", "--focus", "--store", home, "--since", "7d")
    to_file = run("costs", "export", "--focus", "--store", home, "--since", "7d", "--to", str(tmp_path / "focus.csv"))

    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert sum(Decimal(line["BilledCost"]) for line in lines) == 2
    assert to_file.exit_code == 0
    with (tmp_path / "focus.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == lines


def test_the_past_is_priced_anew(home: str):
    done = run(
        "costs",
        "reprice",
        "--store",
        home,
        "--since",
        "7d",
        "--instead",
        "openai/gpt-4.1-mini=openai/gpt-4.1",
        "--json",
    )

    (found,) = json.loads(done.stdout)
    assert (found["attempts"], Decimal(found["before"])) == (200, 2)
    assert Decimal(found["after"]) == 200 * (100 * Decimal(2) + 10 * Decimal(8)) / 1_000_000


def test_a_bill_that_does_not_agree_ends_with_2(home: str, tmp_path: Path):
    day = SystemClock().now_ns() // 86_400_000_000_000 * 86_400
    file = tmp_path / "export.json"
    results = [{"model": "gpt-4.1-mini-2025-04-14", "num_model_requests": 1, "input_tokens": 10**9, "output_tokens": 0}]
    file.write_text(json.dumps({"data": [{"start_time": day, "results": results}]}))
    (tmp_path / "wrong.csv").write_text("a,b\n")

    table = run("costs", "reconcile", str(file), "--store", home)
    done = run("costs", "reconcile", str(file), "--store", home, "--json")
    wrong = run("costs", "reconcile", str(tmp_path / "wrong.csv"), "--store", home)

    assert isinstance(wrong.exception, Mistaken)
    assert (done.exit_code, table.exit_code) == (2, 2)
    (model,) = json.loads(done.stdout)["models"]
    assert (model["model"], model["verdict"]) == ("gpt-4.1-mini", "unexplained")
    assert model["unexplained"] > 9 * 10**8


def test_outcomes_for_a_dollar_and_the_review(home: str):
    worth = run("costs", "worth", "thumbs", "--store", home, "--since", "7d", "--by", "release", "--json")
    review = run("costs", "review", "--store", home, "--since", "7d", "--until", "0m")

    by_release = {one["group"]: one for one in json.loads(worth.stdout)}
    assert by_release["1.4"]["good"] == 160
    assert by_release["1.5"].get("good", 0) == 0
    assert "200 calls, 2.00 USD" in review.stdout


def test_errors_are_grouped(home: str):
    done = run("insight", "errors", "--store", home, "--json")
    table = run("insight", "errors", "--store", home)

    (group,) = json.loads(done.stdout)
    assert (sum(group["hours"].values()), group["title"]) == (40, "cut after <n> bytes")
    assert table.exit_code == 0


def test_the_suspect_of_a_regression_is_named(home: str):
    done = run("insight", "regression", "thumbs", "--store", home, "--since", "60m", "--json")
    table = run("insight", "regression", "thumbs", "--store", home, "--since", "60m")

    assert json.loads(done.stdout)["suspects"][0]["marks"] == [["release", "1.5"]]
    assert "release = 1.5" in table.stdout.replace("\n", " ")


def test_latency_is_compared(home: str):
    done = run("insight", "latency", "--store", home, "--since", "50m", "--json")
    table = run("insight", "latency", "--store", home, "--since", "50m")

    assert done.exit_code == 0, done.exception
    assert "slower" not in json.loads(done.stdout)
    assert "Not slower" in table.stdout


@pytest.mark.parametrize(
    "args",
    [
        ("costs", "list", "--since", "yesterday"),
        ("costs", "list", "--since", "2026-02-30"),
        ("costs", "list", "--since", "1h", "--until", "2h"),
        ("costs", "reprice", "--instead", "a=b"),
        ("costs", "reconcile", "/nowhere/export.json"),
        ("insight", "latency", "--since", "soon"),
    ],
)
def test_a_wrong_moment_or_model_is_a_clear_mistake(home: str, args):
    done = run(*args, "--store", home)

    assert isinstance(done.exception, Mistaken)
