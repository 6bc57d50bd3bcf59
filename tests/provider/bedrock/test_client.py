from pathlib import Path

import pytest

from rowen.provider.base import ModelSettings
from rowen.provider.bedrock import declared, make
from rowen.testing.canned import Canned, CannedTransport, frame, recorded
from rowen.values import Deployment, Mistaken, Request, Secret, Unavailable, says

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bedrock"
ASK = Request(model="fast", messages=(says("user", "hello"),))
HERE = Deployment(
    name="fast",
    model="fast",
    provider="bedrock",
    upstream="eu.small-v1:0",
    profile=declared(ModelSettings(provider="bedrock")),
)
REGION = {"AWS_REGION": "eu-central-1"}


class Noon:
    def now_ns(self):
        return 1_790_000_000_000_000_000

    def monotonic(self):
        return 0.0


async def asked(environment, answer=None, key=None):
    transport = CannedTransport(answer or recorded(FIXTURES / "text.frames"))
    settings = ModelSettings(provider="bedrock", key=Secret(key) if key else None)
    provider = make(settings, transport, clock=Noon(), environment=environment)
    _ = [batch async for batch in provider.ask(ASK, HERE)]
    return transport.asked[0]


async def test_asks_the_region_with_a_bedrock_key():
    for request in (
        await asked(REGION, key="bedrock-api-key"),
        await asked({**REGION, "AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key"}),
    ):
        host = "https://bedrock-runtime.eu-central-1.amazonaws.com"
        assert request.url == f"{host}/model/eu.small-v1%3A0/converse-stream"
        assert request.headers["authorization"] == "Bearer bedrock-api-key"


async def test_signs_with_credentials_of_key_or_environment():
    variables = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_SESSION_TOKEN": "tok"}

    given = await asked(REGION, key="AKID:s3cret:tok")
    found = await asked({**REGION, **variables})

    assert given.headers == found.headers
    assert given.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/20260921/eu-central-1/bedrock/")
    assert given.headers["x-amz-security-token"] == "tok"
    assert "s3cret" not in str(given.headers)


@pytest.mark.parametrize(("environment", "place"), [({}, "options.region"), (REGION, "key")])
def test_names_what_is_missing(environment, place):
    with pytest.raises(Mistaken) as mistaken:
        make(ModelSettings(provider="bedrock"), CannedTransport(), environment=environment)

    assert mistaken.value.place == place


async def test_an_exception_within_the_stream_is_judged_by_its_name():
    limited = recorded(FIXTURES / "stream-limited.frames")
    wrong = Canned(
        body=frame("!validationException", {"message": "no such tool"}),
        content_type="application/vnd.amazon.eventstream",
    )

    with pytest.raises(Unavailable) as slow:
        await asked(REGION, limited, key="k")
    with pytest.raises(Mistaken) as refused:
        await asked(REGION, wrong, key="k")

    assert slow.value.code == "upstream_limited"
    assert (refused.value.code, refused.value.message) == ("upstream_refused", "The provider answered: no such tool")


async def test_an_error_is_judged_by_its_header_too():
    body = b'{"message":"Content was blocked."}'
    filtered = Canned(body=body, status=400, headers={"x-amzn-errortype": "ContentFilterException"})
    filtered_name = Canned(body=body, status=400, headers={"x-amzn-errortype": "ValidationException:http://x/"})

    with pytest.raises(Mistaken) as wrong:
        await asked(REGION, filtered_name, key="k")
    with pytest.raises(Mistaken) as blocked:
        await asked(REGION, filtered, key="k")

    assert (wrong.value.code, blocked.value.code) == ("upstream_refused", "upstream_filtered")
