import pytest

from rowen.provider.base import ModelSettings
from rowen.provider.openai import make
from rowen.testing.canned import Canned, CannedTransport
from rowen.values import Deployment, Mistaken, Request, Secret, says

TEXT = Canned(
    body=b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"hay"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    content_type="text/event-stream",
)
ASK = Request(model="fast", messages=(says("user", "hello"),))


async def asked(request=ASK, upstream="small", **settings):
    transport = CannedTransport(TEXT)
    provider = make(ModelSettings(key=Secret("k-1"), **settings), transport)
    here = Deployment(name="fast", model="fast", provider=settings["provider"], upstream=upstream)
    _ = [batch async for batch in provider.ask(request, here)]
    return transport.asked[0]


@pytest.mark.parametrize(
    ("service", "url"),
    [
        ("openai", "https://api.openai.com/v1/chat/completions"),
        ("mistral", "https://api.mistral.ai/v1/chat/completions"),
        ("groq", "https://api.groq.com/openai/v1/chat/completions"),
        ("deepseek", "https://api.deepseek.com/chat/completions"),
        ("ollama", "http://127.0.0.1:11434/v1/chat/completions"),
    ],
)
async def test_asks_each_service_at_its_own_address(service, url):
    request = await asked(provider=service)

    assert request.url == url
    assert request.headers["authorization"] == "Bearer k-1"


async def test_asks_azure_at_its_versionless_address():
    for base in ("https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/"):
        request = await asked(provider="azure", base_url=base)

        assert request.url == "https://r.openai.azure.com/openai/v1/chat/completions"
        assert request.headers["api-key"] == "k-1"
        assert "authorization" not in request.headers


async def test_asks_azure_at_its_dated_address():
    request = await asked(
        provider="azure",
        base_url="https://r.openai.azure.com",
        upstream="my model",
        options={"api_version": "2024-10-21"},
    )

    path = "/openai/deployments/my%20model/chat/completions?api-version=2024-10-21"
    assert request.url == "https://r.openai.azure.com" + path


async def test_own_headers_and_options_are_sent():
    request = await asked(
        Request(model="fast", messages=ASK.messages, max_tokens=3),
        provider="openai",
        headers={"X-Team": "hay"},
        options={"organization": "org-1", "project": "p-1", "max_tokens": "max_tokens"},
    )

    assert (request.headers["x-team"], request.headers["openai-organization"]) == ("hay", "org-1")
    assert request.json()["max_tokens"] == 3


def test_an_address_or_a_key_that_is_missing_is_named():
    with pytest.raises(Mistaken) as address:
        make(ModelSettings(provider="azure", key=Secret("k")), CannedTransport(TEXT))
    with pytest.raises(Mistaken) as key:
        make(ModelSettings(provider="openai"), CannedTransport(TEXT))

    assert (address.value.place, key.value.place) == ("base_url", "key")


def test_a_local_server_needs_no_key():
    assert make(ModelSettings(provider="vllm"), CannedTransport(TEXT)).profile.top_k
