"""OpenAI's own Python client: embeddings, models, errors, retries and timeouts."""

import math
from collections.abc import Iterator

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

ASKED = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def client(rowen: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20) as made:
        yield made


def test_embeddings_come_as_floats_and_packed(client: OpenAI):
    texts = ["a cat", "a dog"]
    packed = client.embeddings.create(model="main", input=texts)  # the client asks for base64 and unpacks it
    floats = client.embeddings.create(model="main", input=texts, encoding_format="float")
    base64 = client.embeddings.create(model="main", input=texts, encoding_format="base64")

    assert [item.index for item in packed.data] == [0, 1]
    for one, other in zip(packed.data, floats.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
        assert math.hypot(*one.embedding) == pytest.approx(1, abs=1e-5)
    assert isinstance(base64.data[0].embedding, str)
    assert packed.usage.total_tokens == 4


async def test_embeddings_come_to_a_task_in_the_length_asked_for(rowen: Running):
    async with AsyncOpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=20) as client:
        answer = await client.embeddings.create(model="main", input="a cat", dimensions=16)

    assert len(answer.data[0].embedding) == 16


def test_models_are_listed_and_described(client: OpenAI):
    names = [model.id for model in client.models.list()]

    assert {"main", "sky", "tight/echo"} <= set(names)
    assert client.models.retrieve("sky").id == "sky"
    assert client.models.retrieve("tight/echo").id == "tight/echo"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("nope", openai.NotFoundError, "model_unknown"),
        ("limited", openai.RateLimitError, "upstream_limited"),
        ("filtered", openai.BadRequestError, "upstream_filtered"),
        ("down", openai.InternalServerError, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_becomes_the_clients_own_exception(client: OpenAI, model, error, code, stream):
    with pytest.raises(error) as caught:
        client.chat.completions.create(model=model, messages=ASKED, stream=stream)

    assert caught.value.code == code
    assert caught.value.request_id


def test_a_field_of_the_wrong_kind_is_named(client: OpenAI):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="main", messages=ASKED, temperature="warm")

    assert caught.value.param == "temperature"


def test_a_wrong_key_is_an_authentication_error(rowen: Running):
    with OpenAI(base_url=f"{rowen.url}/v1", api_key="rk-wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            stranger.chat.completions.create(model="main", messages=ASKED)
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()


def test_a_key_that_may_not_is_a_permission_error(rowen: Running):
    key = rowen.new_key("sky-only", models=("sky",))
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=key, max_retries=0) as narrow:
        assert [model.id for model in narrow.models.list()] == ["sky"]
        with pytest.raises(openai.PermissionDeniedError):
            narrow.chat.completions.create(model="main", messages=ASKED)


def test_a_used_up_limit_says_when_to_come_back(rowen: Running):
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.new_key("busy"), max_retries=0) as busy:
        busy.chat.completions.create(model="tight/echo", messages=ASKED)
        with pytest.raises(openai.RateLimitError) as caught:
            busy.chat.completions.create(model="tight/echo", messages=ASKED)

    assert caught.value.code == "limit_requests"
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60


def test_the_providers_own_wait_is_handed_on(client: OpenAI):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="limited", messages=ASKED)

    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_the_clients_own_retry_finds_a_model_that_is_well_again(rowen: Running):
    with OpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=2) as patient:
        answer = patient.chat.completions.create(model="shaky", messages=ASKED)

    assert answer.choices[0].message.content == "Hello"


@pytest.mark.parametrize("stream", [False, True])
def test_a_slow_answer_is_a_timeout_at_the_client(client: OpenAI, stream):
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).chat.completions.create(model="slow", messages=ASKED, stream=stream)


async def test_a_slow_answer_is_a_timeout_for_a_task(rowen: Running):
    async with AsyncOpenAI(base_url=f"{rowen.url}/v1", api_key=rowen.key, max_retries=0, timeout=0.2) as client:
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(model="slow", messages=ASKED)


def test_a_stream_that_breaks_off_says_so_after_what_was_said(client: OpenAI):
    said = []

    with pytest.raises(openai.APIError) as caught:
        for chunk in client.chat.completions.create(model="cut", messages=ASKED, stream=True):
            said.append(chunk.choices[0].delta.content or "")

    assert "".join(said) == "one two "
    assert caught.value.code == "upstream_cut"


def test_an_address_that_is_not_there_is_not_found(client: OpenAI):
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(model="main", input="Hello")
