"""Asks Gemini."""

from functools import partial
from urllib.parse import quote

from rowen.provider.base import ModelSettings
from rowen.provider.conversation import Exchange, converse
from rowen.provider.fields import settle
from rowen.provider.gemini.profile import BASE_URL, CANNOT, FAMILY, Options, declared
from rowen.provider.gemini.read import EmbeddingsReader, Reader
from rowen.provider.gemini.wire import encode, encode_embeddings
from rowen.provider.options import options_of
from rowen.provider.transport import Transport
from rowen.values import Deployment, Events, Mistaken, Request


class Gemini:
    """The service under one key."""

    def __init__(self, settings: ModelSettings, options: Options, transport: Transport) -> None:
        self.profile = declared(settings)
        self._transport = transport
        self._options = options
        self._base = (settings.base_url or BASE_URL).rstrip("/")
        self._headers = {"content-type": "application/json", "accept": "text/event-stream, application/json"}
        if settings.key:
            self._headers["x-goog-api-key"] = settings.key.reveal()
        self._headers |= {name.lower(): value for name, value in settings.headers.items()}

    def ask(self, request: Request, deployment: Deployment) -> Events:
        return converse(
            self._transport, deployment, partial(self._prepare, request, deployment), parent=request.traceparent
        )

    async def close(self) -> None:
        """Nothing is held."""

    def _prepare(self, request: Request, deployment: Deployment) -> Exchange:
        settled = settle(request, deployment, family=FAMILY, cannot=CANNOT)
        model = quote(deployment.upstream.removeprefix("models/"), safe="")
        if request.kind == "embeddings":
            body = encode_embeddings(settled.request, deployment, settled.extra)
            reader = EmbeddingsReader(deployment.upstream, settled.dropped)
            return Exchange(f"{self._base}/models/{model}:batchEmbedContents", self._headers, body, reader)
        body, unsent = encode(settled.request, self._options, settled.extra)
        url = f"{self._base}/models/{model}:streamGenerateContent?alt=sse"
        return Exchange(url, self._headers, body, Reader((*settled.dropped, *unsent)))


def make(settings: ModelSettings, transport: Transport) -> Gemini:
    """Return the provider.

    Raises:
        Mistaken: an option is wrong or the key is missing.

    """
    options = options_of(settings, Options)
    if settings.key is None and not settings.base_url:
        raise Mistaken("config_secret", f"The provider {settings.provider!r} needs a `key`.", place="key")
    return Gemini(settings, options, transport)
