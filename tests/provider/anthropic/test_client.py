from pathlib import Path

import pytest

from rowen.provider.anthropic import declared, make
from rowen.provider.base import ModelSettings
from rowen.testing.canned import CannedTransport, recorded
from rowen.values import Deployment, Mistaken, Request, Secret, says

TEXT = recorded(Path(__file__).parents[1] / "fixtures" / "anthropic" / "text.sse")
ASK = Request(model="fast", dialect="anthropic", messages=(says("user", "hello"),))
HERE = Deployment(
    name="fast",
    model="fast",
    provider="anthropic",
    upstream="small",
    profile=declared(ModelSettings(provider="anthropic")),
)


async def asked(request=ASK, **settings):
    transport = CannedTransport(TEXT)
    provider = make(ModelSettings(provider="anthropic", key=Secret("k-1"), **settings), transport)
    _ = [batch async for batch in provider.ask(request, HERE)]
    return transport.asked[0]


async def test_asks_with_key_version_and_betas():
    request = await asked(ASK.but(extra={"anthropic_beta": ["b", "a"]}), options={"beta": ["a"]})

    assert request.url == "https://api.anthropic.com/v1/messages"
    assert request.headers["x-api-key"] == "k-1"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.headers["anthropic-beta"] == "a,b"
    assert "anthropic_beta" not in request.json()


async def test_takes_an_address_with_or_without_its_version():
    for base in ("https://proxy.test/anthropic", "https://proxy.test/anthropic/v1"):
        assert (await asked(base_url=base)).url == "https://proxy.test/anthropic/v1/messages"


async def test_refuses_sampling_where_the_model_takes_none():
    with pytest.raises(Mistaken) as mistaken:
        await asked(ASK.but(temperature=0.5), options={"sampling": False})

    assert (mistaken.value.code, mistaken.value.place) == ("field_unsupported", "temperature")


async def test_refuses_what_the_wire_has_no_place_for_though_the_profile_allows_it():
    able = HERE.but(profile=HERE.profile.but(seed=True), unknown="pass")
    provider = make(ModelSettings(provider="anthropic", key=Secret("k")), CannedTransport(TEXT))

    with pytest.raises(Mistaken) as mistaken:
        await anext(provider.ask(ASK.but(seed=1), able))

    assert mistaken.value.place == "seed"
