from contextlib import aclosing

import pytest

from rowen.provider.base import ModelSettings
from rowen.provider.catalog import CATALOG, declared, kinds, maker
from rowen.provider.fleet import Fleet
from rowen.provider.transport import HttpTransport
from rowen.testing.upstream import FaultUpstream, Garbage, TooMany, openai_chat, openai_stream
from rowen.values import Deployment, Fold, Mistaken, Request, Secret, Unavailable, says

ASK = Request(model="fast", dialect="openai.chat", messages=(says("user", "hello"),))


def place(name: str, provider: str, **more: object) -> tuple[Deployment, ModelSettings]:
    settings = ModelSettings(provider=provider, key=Secret("sk-test-secret"), **more)
    return Deployment(name=name, model="fast", provider=provider, upstream="small"), settings


async def told(fleet: Fleet, name: str, request: Request = ASK):
    fold = Fold()
    async with aclosing(fleet.ask(request, name)) as events:
        async for batch in events:
            fold.take(batch)
    return fold.answer()


@pytest.fixture
async def transport():
    transport = HttpTransport()
    yield transport
    await transport.close()


async def test_asks_the_deployment_that_is_named(transport):
    async with FaultUpstream() as up:
        up.on("/v1/chat/completions", openai_stream(("hel", "lo")), openai_chat("again"))
        fleet = Fleet({"fast": place("fast", "openai", base_url=f"{up.url}/v1")}, transport)

        streamed = await told(fleet, "fast")
        whole = await told(fleet, "fast")

        assert (streamed.text, whole.text) == ("hello", "again")
        assert streamed.usage == whole.usage
        assert streamed.usage.input_tokens == 7
        assert up.requests[0].headers["authorization"] == "Bearer sk-test-secret"
        assert up.requests[0].json()["model"] == "small"
        assert up.connections == 1


async def test_names_the_deployment_that_failed_and_how_long_to_wait(transport):
    async with FaultUpstream() as up:
        up.on("*", TooMany(retry_after=7), Garbage())
        fleet = Fleet({"fast/2": place("fast/2", "groq", base_url=up.url)}, transport)

        with pytest.raises(Unavailable) as limited:
            await told(fleet, "fast/2")
        with pytest.raises(Unavailable) as garbage:
            await told(fleet, "fast/2")

        assert (limited.value.code, limited.value.who, limited.value.retry_after) == ("upstream_limited", "fast/2", 7)
        assert (garbage.value.code, garbage.value.who) == ("upstream_garbage", "fast/2")


async def test_makes_one_provider_for_equal_settings(transport):
    script = {"fail": "upstream_error", "fail_times": 1}
    fleet = Fleet(
        {name: place(name, "echo", options=script if name != "c" else {}) for name in ("a", "b", "c")}, transport
    )

    with pytest.raises(Unavailable):
        await told(fleet, "a")
    second = await told(fleet, "b")
    third = await told(fleet, "c")

    assert second.id == "echo-2"
    assert third.id == "echo-1"


async def test_a_wrong_setting_is_raised_when_events_are_asked_for(transport):
    fleet = Fleet({"x": place("x", "echo", options={"sayy": "hm"}), "y": place("y", "nothing")}, transport)

    for name in ("x", "y", "z"):
        events = fleet.ask(ASK, name)
        with pytest.raises(Mistaken) as mistaken:
            await anext(events)
        assert mistaken.value.who == name


async def test_closes_each_provider_once(transport):
    closed = []

    class Counted:
        async def close(self):
            closed.append(self)

        def ask(self, request, deployment):
            return maker("echo")(ModelSettings(provider="echo"), transport).ask(request, deployment)

    fleet = Fleet({"a": place("a", "echo"), "b": place("b", "echo")}, transport)
    fleet._made.append((place("a", "echo")[1], Counted()))
    await told(fleet, "a")
    await told(fleet, "b")

    await fleet.close()
    await fleet.close()

    assert len(closed) == 1


def test_every_kind_of_the_catalogue_can_be_found():
    assert set(CATALOG) <= set(kinds())


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(Mistaken, match='did you mean "openai"'):
        maker("opnai")


def test_a_declared_profile_is_known_without_a_connection():
    assert not declared(ModelSettings(provider="deepseek")).images
    assert declared(ModelSettings(provider="vllm")).top_k
