"""Scores in their file: what a list reads, and files of the first form."""

import sqlite3

import pytest

from rowen.store.base import ScoreFilter
from rowen.store.sqlite.scores import SCRIPTS, _query
from rowen.testing.contracts.scores import START, a_score


@pytest.mark.parametrize(
    ("filter", "index"),
    [
        ({}, "scores_by_creation"),
        ({"tenant": "acme"}, "scores_by_age"),
        ({"traces": ("t",)}, "scores_by_trace"),
        ({"traces": ("t", "u"), "tenant": "acme", "name": "thumbs"}, "scores_by_trace"),
        ({"session": "s"}, "scores_by_session"),
        ({"session": "s", "tenant": "acme"}, "scores_by_session"),
        ({"case": "c"}, "scores_by_case"),
        ({"case": "c", "tenant": "acme"}, "scores_by_case"),
    ],
)
async def test_no_usual_list_reads_the_whole_table(open_at, folder, filter, index):
    store = await open_at()
    await store.scores.put([a_score(number) for number in range(1, 500)])
    await store.close()
    connection = sqlite3.connect(folder / "scores.db")

    query, values = _query(ScoreFilter(**filter), None)
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values))

    assert index in plan
    connection.close()


async def test_a_file_of_the_first_form_opens_with_its_names(open_at, folder):
    store = await open_at()
    await store.scores.put([a_score(1), a_score(2, name="thumbs"), a_score(3)])
    expected = await store.scores.names()
    await store.close()
    connection = sqlite3.connect(folder / "scores.db")
    connection.executescript("DROP TABLE names; DROP INDEX scores_by_creation; PRAGMA user_version=1")
    connection.close()

    store = await open_at()

    assert len(SCRIPTS) == 2
    assert await store.scores.names() == expected
    assert [(name.name, name.count, name.last_ns) for name in expected] == [
        ("grounded", 2, START + 3 * 10**9),
        ("thumbs", 1, START + 2 * 10**9),
    ]
    await store.close()
