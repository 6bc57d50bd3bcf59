import numpy as np
import pytest

from rowen.improve.adapter import SHARES, Judged, apart, learnt, tried
from rowen.retrieve.adapter import Adapted, Adapter
from rowen.values import Embeddings, Mistaken

SIZE = 16


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def reciprocal_rank(ranking, grades):
    return next((1 / place for place, row in enumerate(ranking, 1) if row in grades), 0.0)


def world(seed=0, documents=120, each=3, noise=0.5):
    """Documents of which half are asked for, `each` times, in words that are the document's own turned by one rotation."""
    random = np.random.default_rng(seed)
    stock = unit(random.normal(size=(documents, SIZE)))
    turn, _ = np.linalg.qr(random.normal(size=(SIZE, SIZE)))
    half = documents // 2
    wanted = [row for row in range(half) for _ in range(each)]
    asked = unit(stock[wanted] @ (np.eye(SIZE) + 0.9 * turn) + noise * random.normal(size=(len(wanted), SIZE)) / 4)
    return Judged(asked, stock, [{row: 1.0} for row in wanted])


class Fixed:
    """Gives the vectors it was made with."""

    fingerprint = "fixed"

    def __init__(self, rows):
        self.rows = rows

    async def __call__(self, texts, *, role="document"):
        return Embeddings(self.rows[: len(texts)].astype("<f4").tobytes(), SIZE, 0)


async def through(adapter, rows):
    made = await Adapted(Fixed(rows), adapter)(["x"] * len(rows), role="query")
    return np.frombuffer(made.data, "<f4").reshape(-1, SIZE)


async def test_what_is_learnt_finds_more_of_what_was_asked_for():
    judged = world()

    outcome = tried(judged, reciprocal_rank)
    adapter = learnt(judged, outcome, fingerprint="fixed")

    assert outcome.chosen is not None
    assert outcome.chosen.seen.low > 0
    mapped = await through(adapter, judged.questions)
    before = np.einsum("ij,ij->i", judged.questions, judged.documents[[next(iter(r)) for r in judged.relevant]])
    after = np.einsum("ij,ij->i", mapped, judged.documents[[next(iter(r)) for r in judged.relevant]])
    assert after.mean() > before.mean() + 0.05


async def test_a_question_like_none_that_was_judged_is_left_as_it_is():
    judged = world(documents=260)
    adapter = learnt(judged, tried(judged, reciprocal_rank, pulls=(0.03,), gates=(0.95,)), fingerprint="fixed")
    random = np.random.default_rng(5)
    strange = unit(random.normal(size=(500, SIZE)))
    far = strange[np.argsort((strange @ judged.questions.T).max(axis=1))[:5]]

    mapped = await through(adapter, far)

    assert np.einsum("ij,ij->i", mapped, far).min() > 0.99


def misled(judged, seed=3):
    """Words that find three documents by chance, and the wanted one but seldom."""
    random = np.random.default_rng(seed)
    words = []
    for grades in judged.relevant:
        found = {int(row): float(score) for row, score in zip(random.integers(0, 120, 3), (1.0, 0.6, 0.2), strict=True)}
        words.append(found | (dict.fromkeys(grades, 0.5) if random.random() < 0.3 else {}))
    return judged._replace(words=words, share=0.2)


def test_where_words_mislead_and_the_map_is_sure_the_vectors_get_a_larger_share():
    judged = misled(world())

    outcome = tried(judged, reciprocal_rank, pulls=(0.03,), gates=(0.5,))
    adapter = learnt(judged, outcome, fingerprint="fixed")

    by_share = {trial.share: trial.seen.value for trial in outcome.trials}
    assert by_share[max(SHARES[1:])] > by_share[None]
    assert adapter.share == outcome.chosen.share == max(by_share, key=by_share.get)


def test_without_words_there_is_no_share_to_choose():
    outcome = tried(world(), reciprocal_rank, pulls=(0.03,), gates=(0.5,))

    assert [trial.share for trial in outcome.trials] == [None]


async def test_how_far_an_adapter_applies_is_told_with_the_vectors():
    judged = misled(world())
    adapter = learnt(judged, tried(judged, reciprocal_rank, pulls=(0.03,), gates=(0.6,)), fingerprint="fixed")

    known = await Adapted(Fixed(judged.questions[:3]), adapter)(["x"] * 3, role="query")
    documents = await Adapted(Fixed(judged.questions[:3]), adapter)(["x"] * 3)

    assert known.share == adapter.share
    assert min(known.applies) > 0.9
    assert (documents.applies, documents.share) == ((), None)


def test_no_adapter_is_made_where_nobody_asked_twice_for_the_same():
    judged = world(each=1)

    outcome = tried(judged, reciprocal_rank, pulls=(0.03,))

    assert all(trial.seen.n == 0 for trial in outcome.trials)
    assert learnt(judged, outcome, fingerprint="fixed") is None
    assert outcome.reason


def test_harm_to_unseen_documents_forbids_promotion():
    """Many ask for a few documents in words that nothing leads from: what is learnt from those misleads all the others."""
    random = np.random.default_rng(1)
    size = 96
    stock = unit(random.normal(size=(150, size)))
    lost = unit(random.normal(size=(25, size)))
    plain, turned = list(range(100)), [100 + n // 8 for n in range(200)]
    asked = np.concatenate([stock[plain] + 0.3 * random.normal(size=(100, size)), lost[[row - 100 for row in turned]]])
    judged = Judged(unit(asked), stock, [{row: 1.0} for row in plain + turned])

    outcome = tried(judged, reciprocal_rank, pulls=(0.0001,), gates=(-1.0,))

    (trial,) = outcome.trials
    assert trial.unseen.value < 0
    assert not trial.harmless
    assert outcome.chosen is None
    assert "harm" in outcome.reason


def test_no_document_is_relevant_in_two_folds():
    relevant = [{0: 1.0, 1: 1.0}, {1: 1.0, 2: 1.0}, {3: 1.0}, {2: 1.0}, {4: 1.0}, {3: 1.0}]

    folds = apart(relevant, np.random.default_rng(0)).tolist()

    assert folds[0] == folds[1] == folds[3]
    assert folds[2] == folds[5]


async def test_documents_are_not_touched():
    judged = world()
    adapter = learnt(judged, tried(judged, reciprocal_rank, pulls=(0.03,)), fingerprint="fixed")

    made = await Adapted(Fixed(judged.documents), adapter)(["x"] * 5)

    assert made.data == judged.documents[:5].astype("<f4").tobytes()


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"fingerprint":"f","dimensions":2,"gate":0.5,"matrix":"AAAA","anchors":""}', '{"matrix": 3}', "\x00"],
)
def test_what_is_no_adapter_is_refused(text):
    with pytest.raises(Mistaken) as told:
        Adapter.read(text)

    assert told.value.code == "config_invalid"


def test_an_adapter_of_another_embedder_is_refused():
    judged = world()
    adapter = learnt(judged, tried(judged, reciprocal_rank, pulls=(0.03,)), fingerprint="other")

    with pytest.raises(Mistaken, match="other"):
        Adapted(Fixed(judged.documents), adapter)
