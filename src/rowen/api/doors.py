"""The map of the JSON doors that need no framework: path → door."""

from collections.abc import Awaitable, Mapping

from rowen.api.anthropic import errors as anthropic_errors
from rowen.api.anthropic.count import CountDoor
from rowen.api.anthropic.messages import MessagesDoor
from rowen.api.base import Door, Receive, Scope, Send, Services
from rowen.api.envelope import Inbound
from rowen.api.feedback import Feedback, FeedbackDoor
from rowen.api.health import HealthDoor, MetricsDoor, ReadyDoor
from rowen.api.openai import errors
from rowen.api.openai.chat import ChatDoor
from rowen.api.openai.embeddings import EmbeddingsDoor
from rowen.api.openai.models import ModelsDoor
from rowen.api.openai.responses import KeptDoor, ResponsesDoor
from rowen.api.simple import ErrorBody, SimpleDoor, Told
from rowen.values import Mistaken

_CALLED = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages", "/v1/models")
"""The doors that clients of vendors call."""


class Doors:
    """An ASGI callable for everything under `/v1`, and for `/healthz`, `/readyz` and `/metrics`.

    `takes(path)` says whether a path is one of these, so that `serve` can give the others to the pages.
    """

    def __init__(
        self,
        services: Services,
        feedback: Feedback | None = None,
        *,
        exact: Mapping[str, Door] | None = None,
        under: Mapping[str, Door] | None = None,
    ) -> None:
        """Make the map.

        Args:
            services: what the doors here are handed.
            feedback: what the feedback doors are handed; without it there are none.
            exact: further doors by their path, such as those for spans.
            under: further doors for everything under a path that ends with `/`.

        """
        self._services = services
        self._under = dict(under or {})
        self._exact: dict[str, Door] = {
            **(exact or {}),
            "/v1/chat/completions": ChatDoor(services),
            "/v1/responses": ResponsesDoor(services),
            "/v1/embeddings": EmbeddingsDoor(services),
            "/v1/messages": MessagesDoor(services),
            "/v1/messages/count_tokens": CountDoor(services),
            "/healthz": HealthDoor(services),
            "/readyz": ReadyDoor(services),
            "/metrics": MetricsDoor(services),
        }
        if feedback is not None:
            self._exact["/v1/feedback"] = FeedbackDoor(services, feedback)
        self._models = {shape: ModelsDoor(services, anthropic=shape) for shape in (False, True)}

    def takes(self, path: str) -> bool:
        """Return whether a path is answered here."""
        if path in self._exact or path == "/v1" or path.startswith("/v1/"):
            return True
        if _meant(path) and path != "/models":  # that is a page
            return True
        return any(path.startswith(prefix) for prefix in self._under)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        # Not a coroutine of its own: every piece of a stream would have to pass through it.
        return (self._exact.get(scope["path"]) or self._found(scope))(scope, receive, send)

    def _found(self, scope: Scope) -> Door:
        path: str = scope["path"]
        for prefix, door in self._under.items():
            if path.startswith(prefix):
                return door
        anthropic = any(name == b"anthropic-version" for name, _ in scope["headers"])
        if path == "/v1/models":
            return self._models[anthropic]
        if path.startswith("/v1/models/"):
            return ModelsDoor(self._services, id=path.removeprefix("/v1/models/"), anthropic=anthropic)
        known = path.removeprefix("/v1/responses/")
        if known != path and known and "/" not in known:
            return KeptDoor(self._services, known)
        return NowhereDoor(self._services, anthropic_errors.body if anthropic else errors.body)


class NowhereDoor(SimpleDoor):
    """What stands where nothing is."""

    shape = "nowhere"
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")

    def __init__(self, services: Services, error_body: ErrorBody) -> None:
        super().__init__(services, error_body)

    async def tell(self, inbound: Inbound) -> Told:
        """Say so."""
        path = inbound.envelope.path[:200]
        if meant := _meant(path):
            fix = f"The door is {meant}: OpenAI's clients are given an address that ends with `/v1`, Anthropic's one without."
            raise Mistaken("not_found", f"There is nothing at {path}.", fix=fix)
        raise Mistaken("not_found", f"There is nothing at {path}.")


def _meant(path: str) -> str:
    """Return the door that a client looks for whose address lacks the `/v1`, or has it twice; empty for any other."""
    last = "/v1" + path.removeprefix("/v1").removeprefix("/v1")
    return last if last in _CALLED and last != path else ""
