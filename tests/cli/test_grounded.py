"""The part of the demo that answers from documents."""

import pytest

from rowen.cli import grounded
from rowen.values import Unavailable

READ = {"health": "well", "documents": 11, "chunks": 90, "sources": [{"source": "docs"}]}


def server(*standings):
    """What the server says each time it is asked; the first time nothing."""
    said = iter([None, *({"data": each} for each in standings)])
    return lambda _: next(said)


def test_the_demo_waits_until_the_documents_are_read():
    told = []
    standing = {"health": "building", "documents": 0, "job": {"done": 3, "total": 11}}

    found = grounded.indexed(server(standing, READ), told.append)

    assert found == (11, 90)
    assert told == ["3 of 11 documents"]


def test_the_demo_does_not_wait_for_a_source_that_cannot_be_read():
    ill = {"source": "../docs/*.md", "code": "source_unreadable", "message": "nothing is there"}
    standing = READ | {"health": "ill", "sources": [*READ["sources"], ill]}

    with pytest.raises(Unavailable) as told:
        grounded.indexed(server(standing), lambda _: None)

    assert (told.value.code, told.value.message, told.value.place) == (
        "source_unreadable", "nothing is there", "../docs/*.md",
    )  # fmt: skip
