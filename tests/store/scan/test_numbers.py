"""Vectors searched by their signs first: what differs least is looked at, however long vectors are and however alike."""

import numpy as np
import pytest

from rowen.store.scan.base import Allowed, Shape
from rowen.store.scan.numbers import nearest, packed, signs, unpacked
from rowen.store.scan.part import Arrays, Part
from rowen.store.scan.postings import gathered
from rowen.values import Condition


def stored_as(rows, storage):
    shape = Shape(storage, rows.shape[1])
    return np.frombuffer(b"".join(packed(rows.tobytes(), shape)), np.uint8).reshape(len(rows), -1), shape


@pytest.mark.parametrize("storage", ["int8", "binary"])
@pytest.mark.parametrize("wide", [7, 8, 63, 64, 65, 384])
@pytest.mark.parametrize("some", [False, True])
def test_no_row_is_left_out_whose_signs_differ_less_than_those_that_are_found(storage, wide, some):
    chance = np.random.default_rng(wide)
    rows = chance.standard_normal((4_000, wide), np.float32)
    question = chance.standard_normal(wide, np.float32)
    stored, shape = stored_as(rows, storage)
    among = np.flatnonzero(chance.random(4_000) < 0.7) if some else np.arange(4_000)

    found = nearest(stored, shape, question, rows=among if some else None, limit=10, bits=signs(stored, shape))

    held = unpacked(stored, shape)
    differing = ((held > 0) != (question > 0)).sum(axis=1)[among]
    nth = np.sort(differing)[1_000]  # at least so many are looked at by their numbers
    looked_at = among[differing < nth]
    best = np.sort(held[looked_at] @ question)[-10:]
    assert np.isin(found.rows, among).all()
    assert (np.sort(found.scores)[-len(best) :] >= best - 1e-5).all()
    assert np.allclose(found.scores, held[found.rows] @ question, atol=1e-4)


def test_vectors_that_are_all_the_same_are_as_many_as_were_asked_for():
    rows = np.ones((5_000, 16), np.float32)
    stored, shape = stored_as(rows, "int8")

    found = nearest(stored, shape, rows[0], rows=None, limit=10, bits=signs(stored, shape))

    assert len(set(found.rows.tolist())) == 10


def test_plain_vectors_have_no_signs():
    stored, shape = stored_as(np.ones((2, 4), np.float32), "float32")

    assert signs(stored, shape) is None


@pytest.mark.parametrize(("one_in", "least"), [(1, 0.98), (10, 1.0), (30, 1.0)])
def test_of_very_many_plain_vectors_hardly_any_is_missed_and_under_a_filter_none(very_many, one_in, least):
    part, rows = very_many
    chance = np.random.default_rng(2)
    may = Allowed(None, () if one_in == 1 else (Condition(field="nth", op="in", value=tuple(range(0, 60, one_in))),))
    alive = np.ones(len(part), np.bool_)
    there = np.flatnonzero(np.arange(len(rows)) // 1_000 % one_in == 0)
    held = rows[there]

    shares = []
    for nth in chance.integers(0, len(rows), 20):
        question = rows[nth] + chance.standard_normal(rows.shape[1], np.float32) * np.float32(0.1)
        found = part.dense(question / np.linalg.norm(question), may, alive, 10)
        best = there[np.argpartition(-(held @ question), 10)[:10]]
        shares.append(len(np.intersect1d(found.rows, best)) / 10)

    assert sum(shares) / len(shares) >= least


@pytest.fixture(scope="module")
def very_many():
    """More vectors than are looked at one by one, in heaps as those of texts are."""
    chance = np.random.default_rng(1)
    heaps = chance.standard_normal((500, 256), np.float32)
    count = 60_000
    rows = heaps[chance.integers(0, 500, count)] + chance.standard_normal((count, 256), np.float32) * np.float32(0.7)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    documents = np.arange(count, dtype=np.int64) // 1_000
    arrays = Arrays(np.arange(count, dtype=np.int64), documents, rows.view(np.uint8), gathered(b"", b"", [0] * count))
    known = {int(each): ((), f'{{"nth": {each % 100}}}'.encode()) for each in np.unique(documents)}
    return Part(arrays, Shape("float32", 256), known, exact=50_000), rows
