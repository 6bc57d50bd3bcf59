"""Asks Bedrock, with an API key or with AWS credentials."""

import os
from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from rowen.provider.base import ModelSettings
from rowen.provider.bedrock.profile import CANNOT, FAMILY, Options, declared
from rowen.provider.bedrock.read import Reader
from rowen.provider.bedrock.wire import encode
from rowen.provider.conversation import Exchange, converse
from rowen.provider.fields import settle
from rowen.provider.options import options_of
from rowen.provider.transport import Transport
from rowen.values import Clock, Deployment, Events, Mistaken, Request, SystemClock, now
from rowen.values.sigv4 import Credentials, signed


class Bedrock:
    """One region under one key."""

    def __init__(
        self,
        settings: ModelSettings,
        transport: Transport,
        *,
        region: str,
        key: str | Credentials,
        clock: Clock,
    ) -> None:
        self.profile = declared(settings)
        self._transport = transport
        self._region = region
        self._clock = clock
        self._base = (settings.base_url or f"https://bedrock-runtime.{region}.amazonaws.com").rstrip("/")
        self._headers = {"content-type": "application/json", "accept": "application/vnd.amazon.eventstream"}
        self._credentials = key if isinstance(key, Credentials) else None
        if isinstance(key, str):
            self._headers["authorization"] = f"Bearer {key}"
        self._headers |= {name.lower(): value for name, value in settings.headers.items()}

    def ask(self, request: Request, deployment: Deployment) -> Events:
        return converse(
            self._transport, deployment, partial(self._prepare, request, deployment), parent=request.traceparent
        )

    async def close(self) -> None:
        """Nothing is held."""

    def _prepare(self, request: Request, deployment: Deployment) -> Exchange:
        settled = settle(request, deployment, family=FAMILY, cannot=CANNOT)
        body, unsent = encode(settled.request, settled.extra)
        url = f"{self._base}/model/{quote(deployment.upstream, safe='')}/converse-stream"
        headers: Mapping[str, str] = self._headers
        if self._credentials is not None:
            headers = signed(
                "POST",
                url,
                headers,
                body,
                credentials=self._credentials,
                region=self._region,
                service="bedrock",
                at=now(self._clock),
            )
        return Exchange(url, headers, body, Reader(deployment.upstream, (*settled.dropped, *unsent)))


def make(
    settings: ModelSettings,
    transport: Transport,
    *,
    clock: Clock | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Bedrock:
    """Return the provider.

    Raises:
        Mistaken: an option is wrong, or the region or the key is missing.

    """
    options = options_of(settings, Options)
    region = options.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if not region:
        message = f"The provider {settings.provider!r} needs a region: set the option `region` or AWS_REGION."
        raise Mistaken("config_invalid", message, place="options.region")
    return Bedrock(settings, transport, region=region, key=_key(settings, environment), clock=clock or SystemClock())


def _key(settings: ModelSettings, environment: Mapping[str, str]) -> str | Credentials:
    if settings.key is not None:
        text = settings.key.reveal()
        return Credentials.of(text) or text
    if bearer := environment.get("AWS_BEARER_TOKEN_BEDROCK"):
        return bearer
    if (known := environment.get("AWS_ACCESS_KEY_ID")) and (own := environment.get("AWS_SECRET_ACCESS_KEY")):
        return Credentials(known, own, environment.get("AWS_SESSION_TOKEN", ""))
    message = f"The provider {settings.provider!r} needs a `key`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    raise Mistaken("config_secret", message, place="key")
