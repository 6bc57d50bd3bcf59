"""The management API against software that reads its description and tries to break it."""

import asyncio
import os
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from requests import Request, Response
from requests.adapters import HTTPAdapter
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.meta import content_type_probes_first
from schemathesis.generation.overrides import Override
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.python.asgi import ASGIClient
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from urllib3 import HTTPResponse

from rowen.access import digest_of
from rowen.api.manage.routes import VERBS, described
from rowen.values import Key

SECRET = f"rk-{'k' * 43}"

TOGETHER = {"every_ns", "value", "trace", "span", "session", "case", "least", "categories", "name"}
TOGETHER |= {"since_ns", "baseline_since_ns", "every", "by", "of", "amount", "text"}
# What is searched for has a language of its own, which no schema tells.
TOGETHER |= {"q"}
TOGETHER |= {"asked", "values", "app", "kind", "options", "variables", "model", "runs"}

LONG = 1000
PATHS = {verb.path for verb in VERBS}

EXAMPLES = int(os.environ.get("ROWEN_TEST_EXAMPLES", "0"))
"""How many requests of each kind are made up; others each time where it is said, else the same few, so that a run says the same twice."""

pytestmark = [pytest.mark.compat, pytest.mark.long]


class Stage:
    """The application under test: it is named when tests are collected, and stands there when they run."""

    def __init__(self) -> None:
        self.api = None
        self.client = None
        self.guarded = set()

    async def __call__(self, scope, receive, send) -> None:
        await self.api.app(scope, receive, send)


class Straight(ASGIClient):
    """Asks the application in the thread that waits for the answer, and looks for no cookies, proxies or passwords on the way."""

    def __init__(self, app: Stage, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(app)
        self.loop = loop
        self.built = HTTPAdapter().build_response

    def request(self, method: str, url: str, **wanted: object) -> Response:
        parts = {name: wanted.get(name) for name in ("params", "data", "json", "headers", "cookies", "files", "auth")}
        asked = Request(method, urljoin(self.base_url, url), **parts).prepare()
        place, body = urlsplit(asked.url), asked.body or b""
        headers = asked.headers if "host" in asked.headers else {"host": place.netloc, **asked.headers}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": asked.method,
            "scheme": place.scheme,
            "path": unquote(place.path),
            "raw_path": place.path.encode(),
            "root_path": "",
            "query_string": place.query.encode(),
            "headers": wired(headers),
            "client": ("testclient", 50000),
            "server": (place.hostname, 80),
        }
        start, *rest = self.loop.run_until_complete(
            answered(self.app, scope, body if isinstance(body, bytes) else body.encode())
        )
        raw = HTTPResponse(
            body=BytesIO(b"".join(message.get("body", b"") for message in rest)),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
            status=start["status"],
            reason=HTTPStatus(start["status"]).phrase,
            version=11,
            preload_content=False,
            request_method=asked.method,
        )
        return self.built(asked, raw)


def wired(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def answered(app: Stage, scope: dict, body: bytes) -> list[dict]:
    """What an application sends for one request."""
    told, sent = [{"type": "http.request", "body": body, "more_body": False}], []

    async def receive() -> dict:
        return told.pop() if told else {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def bounded(described):
    """The description without the length of long texts: an automaton of 200,000 steps takes a second, each of a hundred times.

    That the longest text is taken and one character more is refused is tried in `test_manage_walk.py`.
    """
    match described:
        case {"pattern": _, "maxLength": int(length), **rest} if length > LONG:
            return {**rest, "pattern": described["pattern"]}
        case dict():
            return {name: bounded(value) for name, value in described.items()}
        case list():
            return [bounded(each) for each in described]
    return described


stage = Stage()
schemathesis.openapi.format("cidr", st.ip_addresses(network="10.0.0.0/8").map(lambda ip: f"{ip}/32"))
# One way to sign in is enough here: with a good bearer key beside it, a made-up `x-api-key` is rightly not looked at.
schema = schemathesis.openapi.from_dict(bounded({**described(VERBS), "security": [{"bearer": []}]}))
schema.app = stage
# What is at the limits of the description (`coverage`) is asked below, without a detour through Hypothesis for each request.
schema.config.phases.update(phases=["examples", "fuzzing"])
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.auth()
class Sent:
    def get(self, case, context) -> str:
        return SECRET

    def set(self, case, data: str, context) -> None:
        case.headers["authorization"] = f"Bearer {data}"


@schema.hook
def map_body(context, body):
    """JSON Schema calls 5.0 an integer; a whole number here is written as one."""
    if isinstance(body, dict):
        return {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in body.items()}
    return body


@pytest.fixture(scope="module", autouse=True)
def filled(make_api):
    stage.api = make_api()
    asyncio.run(stage.api.fill())
    admin = Key(id="admin", digest=digest_of(SECRET), shown=SECRET[:7], name="admin", scopes=("admin",), tenant="acme")
    asyncio.run(stage.api.keys.put(admin))
    asyncio.run(stage.api.directory.refresh())
    with asyncio.Runner() as runner, Straight(stage, runner.get_loop()) as stage.client:
        yield


@pytest.fixture(scope="module")
def feedback() -> FeedbackSources:
    return FeedbackSources(constants_value_source=make_constants_value_source(schema))


def elsewhere(case) -> bool:
    """Whether the id that was drawn is the name of another route beside: such a request says nothing of this one."""
    return any(
        case.path.replace(f"{{{name}}}", str(value)) in PATHS for name, value in (case.path_parameters or {}).items()
    )


OPERATIONS = [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_the_api_keeps_to_its_description(operation, feedback):
    """What `schema.parametrize()` does; but it thinks out all requests in every process that collects tests, for 15 s."""
    load_all_checks()
    limits = CoverageGenerator(
        operation=operation,
        generation_modes=schema.config.generation.modes,
        generation_config=schema.config.generation_for(operation=operation, phase="coverage"),
        auth_storage=None,
        override=Override(),
        feedback=feedback,
    )
    made_up = build_operation_test(
        config=schema.config, operation=operation, test_func=kept, given_kwargs={}, feedback=feedback
    )

    for case in reversed(content_type_probes_first(limits)):
        if not elsewhere(case):
            keeps(case)
    made_up()


@settings(
    max_examples=EXAMPLES or 5,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def kept(case):
    assume(not elsewhere(case))
    keeps(case)


def keeps(case) -> None:
    """Send a request, and hold the answer against the description."""
    response = case.call(session=stage.client)

    # The schema cannot say what goes together: a long time and a short stretch, a name and a value, a target and its id.
    place = response.json()["error"]["place"] if response.status_code == 400 else ""
    together = not TOGETHER.isdisjoint((place.partition(".")[0], place.rpartition(".")[2]))
    # Nor can it say how large a whole body may be.
    large = response.status_code == 413
    excluded = [*[positive_data_acceptance] * (together or large), *[negative_data_rejection] * large]
    # That keys are looked at is a matter of the route, whatever is asked.
    excluded += [ignored_auth] * (case.operation.label in stage.guarded)
    case.validate_response(response, excluded_checks=excluded, transport_kwargs={"session": stage.client})
    if response.status_code < 300:
        stage.guarded.add(case.operation.label)
