"""Asks an OpenAI-compatible service."""

from functools import partial
from typing import Literal
from urllib.parse import quote

from rowen.provider.base import ModelSettings
from rowen.provider.conversation import Exchange, converse
from rowen.provider.fields import settle
from rowen.provider.openai.profile import SERVICES, Service
from rowen.provider.openai.wire import EmbeddingsReader, Reader, encode
from rowen.provider.options import options_of
from rowen.provider.transport import Transport
from rowen.values import Deployment, Events, Mistaken, Request, Settings

FAMILY = frozenset({"openai.chat", "openai.responses", "openai.embeddings"})


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of an OpenAI-compatible model. Those that are left out follow the service."""

    api_version: str = ""
    """Azure's dated interface, such as `2024-10-21`; without it the versionless one is asked."""
    organization: str = ""
    project: str = ""
    usage_option: bool | None = None
    max_tokens: Literal["max_tokens", "max_completion_tokens"] | None = None
    developer: bool | None = None
    thoughts: str | None = None


class OpenAI:
    """One service under one key."""

    def __init__(self, service: Service, settings: ModelSettings, options: Options, transport: Transport) -> None:
        self.profile = service.profile
        self._service = service
        self._transport = transport
        self._base = _base(service, settings)
        self._version = options.api_version
        self._urls: dict[tuple[str, str], str] = {}
        self._headers = {"content-type": "application/json", "accept": "text/event-stream, application/json"}
        if settings.key:
            self._headers[service.key_header] = service.key_scheme + settings.key.reveal()
        if options.organization:
            self._headers["openai-organization"] = options.organization
        if options.project:
            self._headers["openai-project"] = options.project
        self._headers |= {name.lower(): value for name, value in settings.headers.items()}

    def ask(self, request: Request, deployment: Deployment) -> Events:
        prepare = partial(self._prepare, request, deployment)
        return converse(self._transport, deployment, prepare, streamed=request.stream, parent=request.traceparent)

    async def close(self) -> None:
        """Nothing is held."""

    def _prepare(self, request: Request, deployment: Deployment) -> Exchange:
        settled = settle(request, deployment, family=FAMILY)
        chat = request.kind == "chat"
        reader: Reader | EmbeddingsReader = Reader() if chat else EmbeddingsReader()
        body, unsent = encode(settled.request, deployment, self._service, settled.extra)
        reader.dropped = (*settled.dropped, *unsent)
        return Exchange(
            self._url("/chat/completions" if chat else "/embeddings", deployment.upstream), self._headers, body, reader
        )

    def _url(self, operation: str, model: str) -> str:
        url = self._urls.get((operation, model))
        if url is None:
            dated = self._version and self._service.dated_path
            path = (dated or self._service.path).format(
                operation=operation, model=quote(model, safe=""), api_version=self._version
            )
            url = self._urls[operation, model] = self._base + path
        return url


def make(settings: ModelSettings, transport: Transport) -> OpenAI:
    """Return the provider for a service of the catalogue.

    Raises:
        Mistaken: an option is wrong, or an address or key is missing.

    """
    options = options_of(settings, Options)
    service = SERVICES[settings.provider]
    changed = {
        name: value
        for name in ("usage_option", "max_tokens", "developer", "thoughts")
        if (value := getattr(options, name)) is not None
    }
    return OpenAI(service.but(**changed), settings, options, transport)


def _base(service: Service, settings: ModelSettings) -> str:
    base = (settings.base_url or service.base_url).rstrip("/")
    if not base:
        message = f"The provider {settings.provider!r} has no address of its own; set `base_url`."
        raise Mistaken("config_invalid", message, place="base_url")
    for tail in ("/v1", "/openai") if service.dated_path else ():
        base = base.removesuffix(tail)
    if service.key_needed and settings.key is None and not settings.base_url:
        raise Mistaken("config_secret", f"The provider {settings.provider!r} needs a `key`.", place="key")
    return base
