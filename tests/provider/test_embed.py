import json
import struct
from array import array
from contextlib import aclosing

import pytest

from rowen.provider.embed import Embedding, Vectors, open_embedder
from rowen.provider.embed.client import LocalEmbed
from rowen.provider.weights import CATALOG, Found, Piece, Weights
from rowen.values import Broken, Deployment, Embeddings, Fold, Mistaken, Profile, Request, Started

PLACE = Deployment(
    name="vectors", model="vectors", provider="local", upstream="tiny", profile=Profile(chat=False, embeddings=True)
)
# The example of the sentence-transformers documentation, with the similarities it gives for all-MiniLM-L6-v2.
SENTENCES = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
PUBLISHED = {(0, 1): 0.6660, (0, 2): 0.1046, (1, 2): 0.1411}


class Letters:
    """Three lines of an embedder: how often a and b stand in a text, words as tokens."""

    dimensions = 4
    shorter = (2,)
    max_tokens = 5

    def count(self, texts):
        return [len(text.split()) for text in texts]

    def embed(self, texts):
        return Vectors(tuple((0.6, 0.0, 0.8, float(len(text))) for text in texts), sum(self.count(texts)))

    def floats(self, texts, dimensions=0):
        rows = [(0.6, 0.0, 0.8, float(len(text)))[: dimensions or 4] for text in texts]
        return Embeddings(array("f", sum(rows, ())).tobytes(), dimensions or 4, sum(self.count(texts)))


class Here:
    """A models folder in which everything is."""

    def __init__(self):
        self.asked = 0

    def find(self, name):
        self.asked += 1
        return name


def local(**more):
    weights = Weights(name="tiny", kind="embed", format="onnx", pieces=())
    return LocalEmbed(weights, Here(), Profile(embeddings=True), opened=lambda *_: Letters(), **more)


def ask(*texts, **more):
    return Request(model="vectors", kind="embeddings", dialect="openai.embeddings", texts=texts, **more)


async def told(provider, request):
    fold = Fold()
    async with aclosing(provider.ask(request, PLACE)) as events:
        async for batch in events:
            fold.take(batch)
    return fold.answer()


async def test_gives_a_vector_for_each_text_and_the_tokens_used():
    answer = await told(local(), ask("a b", "ccc"))

    assert [vector[3] for vector in answer.vectors] == [3.0, 3.0]
    assert answer.usage.input_tokens == 3
    assert answer.model == "tiny"


async def test_the_model_is_loaded_once_however_many_ask():
    folder = Here()
    weights = Weights(name="tiny", kind="embed", format="onnx", pieces=())
    provider = LocalEmbed(weights, folder, Profile(embeddings=True), opened=lambda *_: Letters())

    await told(provider, ask("a"))
    await told(provider, ask("b"))

    assert folder.asked == 1


async def test_many_texts_keep_their_order():
    texts = ["x" * length for length in range(1, 200)]

    answer = await told(local(truncate=True), ask(*texts))

    assert [vector[3] for vector in answer.vectors] == [float(len(text)) for text in texts]


async def test_a_text_that_is_too_long_is_refused_by_its_place():
    with pytest.raises(Mistaken) as caught:
        await told(local(), ask("short", "one two three four five six"))

    assert (caught.value.code, caught.value.place) == ("prompt_too_long", "input[1]")


async def test_a_text_is_cut_only_where_that_was_asked_for_and_it_is_told():
    events = []
    async with aclosing(local(truncate=True).ask(ask("one two three four five six"), PLACE)) as stream:
        async for batch in stream:
            events += batch

    assert events[0] == Started(model="tiny", extra={"rowen_truncated": [0]})


async def test_fewer_dimensions_are_given_where_the_vectors_allow_it():
    answer = await told(local(), ask("a", dimensions=2))

    assert answer.vectors == ((1.0, 0.0),)


@pytest.mark.parametrize("asked", [{"dimensions": 3}, {"tokens": ((1, 2),)}, {"extra": {"odd": 1}}])
async def test_what_it_cannot_do_is_refused(asked):
    with pytest.raises(Mistaken):
        await told(local(), ask("a", **asked))


async def test_an_embedding_model_does_not_chat():
    with pytest.raises(Mistaken) as caught:
        await told(local(), Request(model="vectors"))

    assert caught.value.code == "field_unsupported"


WORDS = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "up": 1, "right": 2}, "unk_token": "[UNK]"},
}


def static(tmp_path, table=((0.0, 0.0), (0.0, 2.0), (2.0, 0.0))):
    flat = [number for row in table for number in row]
    header = json.dumps(
        {"embedding.weight": {"dtype": "F32", "shape": [len(table), 2], "data_offsets": [0, 4 * len(flat)]}}
    ).encode()
    model = tmp_path / "table.safetensors"
    model.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(flat)}f", *flat))
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(json.dumps(WORDS))
    piece = Piece(save_as="table.safetensors", sha256="", size=0)
    weights = Weights(name="mine", kind="embed", format="static", pieces=(piece,))
    return Found(weights, {"table.safetensors": model, "tokenizer.json": tokenizer})


def test_static_vectors_are_the_mean_of_their_tokens(tmp_path):
    embedder = open_embedder(static(tmp_path))

    made = embedder.embed(["up", "right", "up right", ""])

    assert made.vectors[0] == (0.0, 1.0)
    assert made.vectors[1] == (1.0, 0.0)
    assert made.vectors[2] == pytest.approx((0.7071, 0.7071), abs=1e-4)
    assert made.vectors[3] == (0.0, 0.0)
    assert made.tokens == 4


@pytest.mark.parametrize("format", ["static", "onnx"])
def test_a_damaged_file_is_a_clear_error(tmp_path, format):
    found = static(tmp_path)
    found.model.write_bytes(b"\x08\x07 nothing that can be read")

    with pytest.raises(Broken) as caught:
        open_embedder(found._replace(weights=found.weights.but(format=format)))

    assert caught.value.code == "weights_format"


@pytest.fixture(scope="module")
def minilm(shipped):
    return open_embedder(shipped("minilm").find("minilm"))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.local
def test_minilm_is_as_similar_as_published(minilm):
    vectors = minilm.embed(SENTENCES).vectors

    assert {len(vector) for vector in vectors} == {CATALOG["minilm"].dimensions}
    for (one, other), similar in PUBLISHED.items():
        assert dot(vectors[one], vectors[other]) == pytest.approx(similar, abs=0.02)
    assert dot(vectors[0], vectors[0]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.local
def test_minilm_finds_the_passage_that_answers(minilm):
    questions = ("How do I get my money back?", "Which planet is the largest?", "Side effects of aspirin")
    passages = (
        "Jupiter is more massive than all the other planets together.",
        "Acetylsalicylic acid may irritate the stomach and thin the blood.",
        "Refunds are paid within 14 days to the card that was charged.",
    )

    asked, known = minilm.embed(questions).vectors, minilm.embed(passages).vectors
    best = [max(range(3), key=lambda place: dot(vector, known[place])) for vector in asked]

    assert best == [2, 0, 1]


@pytest.mark.local
def test_a_text_has_the_same_vector_in_any_company(minilm):
    alone = minilm.embed(["a red bicycle"]).vectors[0]

    together = minilm.embed(["a red bicycle", "word " * 200, ""]).vectors[0]

    assert dot(alone, together) == pytest.approx(1.0, abs=0.01)  # int8 rounds by the largest number of a batch


@pytest.mark.local
def test_a_long_text_is_cut_at_256_tokens(minilm):
    assert minilm.count(["word " * 1000]) == [1002]
    assert minilm.embed(["word " * 1000]).tokens == 256


class Known(Here):
    def weights(self, name):
        piece = Piece(save_as="model.onnx", sha256="ab" * 32, size=1)
        return Weights(name=name, kind="embed", format="onnx", pieces=(piece,), dimensions=4, max_tokens=5)


async def test_an_index_gets_its_vectors_in_one_piece_and_their_makers_mark():
    folder = Known()
    whole = Embedding("tiny", folder, opened=lambda _found, _threads: Letters())
    short = Embedding("tiny", folder, dimensions=2, opened=lambda _found, _threads: Letters())

    made = await whole(["ab"] * 150)
    cut = await short(["ab", "abc"], role="query")
    await whole(["ab"])

    assert (len(made.data), made.dimensions, made.tokens) == (150 * 4 * 4, 4, 150)
    assert memoryview(cut.data).cast("f").tolist() == pytest.approx([0.6, 0.0, 0.6, 0.0])
    assert cut.dimensions == 2
    assert whole.fingerprint == "tiny:abababababababab/5/4"
    assert short.fingerprint != whole.fingerprint
    assert folder.asked == 2, "loaded once each"
