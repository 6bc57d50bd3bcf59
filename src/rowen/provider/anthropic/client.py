"""Asks Anthropic's messages, or a service that speaks them."""

from functools import partial

from rowen.provider.anthropic.profile import BASE_URL, CANNOT, FAMILY, Options, declared
from rowen.provider.anthropic.read import Reader
from rowen.provider.anthropic.wire import ANSWER_TOOL, by_tool, encode
from rowen.provider.base import ModelSettings
from rowen.provider.conversation import Exchange, converse
from rowen.provider.fields import settle
from rowen.provider.options import options_of
from rowen.provider.transport import Transport
from rowen.values import Deployment, Events, Mistaken, Request


class Anthropic:
    """The service under one key."""

    def __init__(self, settings: ModelSettings, options: Options, transport: Transport) -> None:
        self.profile = declared(settings)
        self._transport = transport
        self._options = options
        self._cannot = CANNOT if options.sampling else CANNOT | {"temperature", "top_p", "top_k"}
        self._url = (settings.base_url or BASE_URL).rstrip("/").removesuffix("/v1") + "/v1/messages"
        self._headers = {
            "content-type": "application/json",
            "accept": "text/event-stream, application/json",
            "anthropic-version": options.version,
        }
        if settings.key:
            self._headers["x-api-key"] = settings.key.reveal()
        if options.beta:
            self._headers["anthropic-beta"] = ",".join(options.beta)
        self._headers |= {name.lower(): value for name, value in settings.headers.items()}

    def ask(self, request: Request, deployment: Deployment) -> Events:
        prepare = partial(self._prepare, request, deployment)
        return converse(self._transport, deployment, prepare, streamed=request.stream, parent=request.traceparent)

    async def close(self) -> None:
        """Nothing is held."""

    def _prepare(self, request: Request, deployment: Deployment) -> Exchange:
        settled = settle(request, deployment, family=FAMILY, cannot=self._cannot)
        extra = settled.extra
        headers = self._headers
        if "anthropic_beta" in extra:
            extra = dict(extra)
            headers = {**headers, "anthropic-beta": _betas(self._options.beta, extra.pop("anthropic_beta"))}
        body, unsent = encode(settled.request, deployment, self._options, extra)
        answer = ANSWER_TOOL if by_tool(settled.request, self._options) else ""
        return Exchange(self._url, headers, body, Reader(dropped=(*settled.dropped, *unsent), answer_tool=answer))


def make(settings: ModelSettings, transport: Transport) -> Anthropic:
    """Return the provider.

    Raises:
        Mistaken: an option is wrong or the key is missing.

    """
    options = options_of(settings, Options)
    if settings.key is None and not settings.base_url:
        raise Mistaken("config_secret", f"The provider {settings.provider!r} needs a `key`.", place="key")
    return Anthropic(settings, options, transport)


def _betas(always: tuple[str, ...], asked: object) -> str:
    more = (
        asked.split(",") if isinstance(asked, str) else [str(name) for name in asked] if isinstance(asked, list) else []
    )
    return ",".join(dict.fromkeys((*always, *(name.strip() for name in more))))
