import sqlite3

import pytest

from rowen.store.pack import Packing
from rowen.store.sqlite.puts import Put, put
from rowen.testing.contracts.made import a_trace
from rowen.values import says


@pytest.mark.parametrize("count", [0, 1, 449, 450, 451, 1_350])
def test_rows_of_any_number_are_written_once_each(count):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE pairs (number INTEGER PRIMARY KEY, word TEXT)")
    rows = [(number, f"word {number}") for number in range(count)]

    put(connection, Put("INSERT INTO pairs (number, word)", 2), rows)

    assert connection.execute("SELECT number, word FROM pairs ORDER BY number").fetchall() == rows
    connection.close()


def test_calls_packed_together_are_as_each_packed_alone():
    packing = Packing()
    traces = [a_trace(number) for number in range(3)]
    traces += [
        trace.but(request=trace.request.but(messages=(says("user", f"{number} " + "hay and clover " * length),)))
        for number, length in enumerate((1, 100, 900))
        for trace in traces[:2]
    ]

    together = packing.calls(traces)

    assert together == [packing.call(trace) for trace in traces]
    assert [packing.as_body(body).request for body in together] == [trace.request for trace in traces]
