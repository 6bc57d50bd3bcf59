import pytest

from rowen.retrieve.embed import Asked
from rowen.values import Broken, Embedded, Usage, Used


def answering(*vectors):
    asked = []

    async def ask(request, deployment):
        asked.append((request.texts, request.dimensions, deployment))
        made = tuple(vectors) if vectors else tuple((3.0, 4.0) for _ in request.texts)
        yield (Embedded(vectors=made), Used(usage=Usage(input_tokens=len(request.texts))))

    ask.asked = asked
    return ask


async def test_a_model_of_the_app_is_asked_in_batches_and_its_vectors_have_length_one():
    ask = answering()

    made = await Asked(ask, "vectors", fingerprint="f", dimensions=2)([f"t{n}" for n in range(130)])

    assert [len(texts) for texts, _, _ in ask.asked] == [64, 64, 2]
    assert {(dimensions, deployment) for _, dimensions, deployment in ask.asked} == {(2, "vectors")}
    assert (len(made.data), made.dimensions, made.tokens) == (130 * 2 * 4, 2, 130)
    assert memoryview(made.data).cast("f").tolist()[:2] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("vectors", [((1.0, 2.0),), ((1.0, 2.0), (1.0,))])
async def test_vectors_that_do_not_fit_the_texts_are_refused(vectors):
    with pytest.raises(Broken) as caught:
        await Asked(answering(*vectors), "vectors", fingerprint="f")(["a", "b"])

    assert caught.value.code == "upstream_garbage"
