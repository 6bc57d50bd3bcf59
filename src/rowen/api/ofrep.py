"""`/ofrep/v1/…`: which version of an app answers whom, after the OpenFeature Remote Evaluation Protocol.

https://github.com/open-feature/protocol: an app is a flag under its name, its value the Definition that answers the unit
that `targetingKey` names, its variant the arm. `app:feature` is a flag that is on while the feature has something left of its limits.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import msgspec

from rowen.access import Directory
from rowen.api import body as bodies
from rowen.api.base import Door, Services
from rowen.api.envelope import Envelope, Inbound
from rowen.api.reply import sentence
from rowen.api.simple import SimpleDoor, Told
from rowen.limits.feature import Features, Flag
from rowen.release.variant import needs_unit, variant
from rowen.values import Live, Mistaken, Problem

PREFIX = "/ofrep/v1/"
SHAPE = "ofrep"

_FLAGS = "/ofrep/v1/evaluate/flags"
_LONGEST = 1_000  # characters of a targeting key; users have no longer ones


def under(
    services: Services, directory: Directory, lives: Callable[[], Sequence[Live]], features: Features
) -> dict[str, Door]:
    """Return the door by the path that it stands under."""
    return {PREFIX: OfrepDoor(services, directory, lives, features)}


class OfrepDoor(SimpleDoor):
    """Evaluates one flag or all of them.

    Args:
        services: what doors are handed.
        directory: admits keys.
        lives: gives what is live of each app here.
        features: says which features of an app have something left of their limits.

    """

    shape = SHAPE
    methods = ("POST", "GET")

    def __init__(
        self, services: Services, directory: Directory, lives: Callable[[], Sequence[Live]], features: Features
    ) -> None:
        super().__init__(services, _failure)
        self._directory = directory
        self._lives = lives
        self._features = features

    async def tell(self, inbound: Inbound) -> Told:
        """Return the evaluation of a flag, of all flags, or what this service can do."""
        envelope = inbound.envelope
        lives = await self._admitted(envelope)
        path = envelope.path.rstrip("/")
        if envelope.method == "GET":
            if path != "/ofrep/v1/configuration":
                raise Mistaken("not_found", f"There is nothing at {path[:200]}.")
            return Told(msgspec.json.encode(_CONFIGURATION))
        if path != _FLAGS and not path.startswith(f"{_FLAGS}/"):
            raise Mistaken("not_found", f"There is nothing at {path[:200]}.")
        bodies.check_head(envelope, self.services.settings)
        key = unquote(path.removeprefix(_FLAGS).removeprefix("/"))
        try:
            unit = _unit(await bodies.read(inbound.receive, self.services.settings))
        except Mistaken as problem:
            code = "PARSE_ERROR" if problem.code != "field_invalid" else "INVALID_CONTEXT"
            return _told({**({"key": key} if key else {}), "errorCode": code, "errorDetails": problem.message}, 400)
        if key:
            return await self._one(key, lives, unit)
        flags = [_evaluated(live, unit) for live in lives]
        for live in lives:
            for feature in self._features.named(live.app):
                flag = await self._features.flag(live.app, feature)
                flags += [_switched(f"{live.app}:{feature}", flag)] if flag is not None else []
        return self._all(flags, inbound)

    async def _one(self, key: str, lives: Sequence[Live], unit: str) -> Told:
        app, colon, feature = key.partition(":")
        live = next((each for each in lives if each.app == (app if colon else key)), None)
        flag = await self._features.flag(live.app, feature) if live is not None and colon else None
        if live is None or (colon and flag is None):
            details = (
                f"no app {app[:100]!r} is served here" if live is None else f"no limit is set for {feature[:100]!r}"
            )
            return _told({"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details}, 404)
        found = _evaluated(live, unit) if flag is None else _switched(key, flag)
        return _told(found, 400 if "errorCode" in found else 200)

    def _all(self, flags: list[dict[str, Any]], inbound: Inbound) -> Told:
        body = msgspec.json.encode({"flags": flags})
        tag = f'"{sha256(body).hexdigest()[:32]}"'.encode()
        headers = [(b"etag", tag), (b"cache-control", b"no-cache")]
        known = {each.strip().removeprefix(b"W/") for each in inbound.envelope.match.encode("latin-1").split(b",")}
        if tag in known or b"*" in known:
            return Told(b"", 304, headers)
        return Told(body, 200, headers)

    async def _admitted(self, envelope: Envelope) -> list[Live]:
        """Return what is live of the apps that a key may see."""
        entry = await self._directory.admit(envelope.digest, envelope.address, "call", "read", endpoint=SHAPE)
        return [live for live in self._lives() if live.definition and entry.sees(live.app)]


_CONFIGURATION = {
    "name": "Rowen",
    "capabilities": {
        "cacheInvalidation": {"polling": {"enabled": True, "minPollingIntervalMs": 1000}},
        "flagEvaluation": {"supportedTypes": ["string", "boolean"]},
        "caching": {"enabled": False},
    },
}


def _switched(key: str, flag: Flag) -> dict[str, Any]:
    metadata: dict[str, Any] = {"limit": flag.limit, "left": flag.left}
    if flag.resets_at is not None:
        metadata["resets_at"] = flag.resets_at.isoformat()
    reason = "STATIC" if flag.on else "DISABLED"
    return {"key": key, "value": flag.on, "reason": reason, "variant": "on" if flag.on else "off", "metadata": metadata}


def _evaluated(live: Live, unit: str) -> dict[str, Any]:
    if needs_unit(live) and not unit:
        details = "versions of the app answer different users now: name one in `targetingKey`"
        return {"key": live.app, "errorCode": "TARGETING_KEY_MISSING", "errorDetails": details}
    found = variant(live, unit)
    metadata: dict[str, Any] = {"app": live.app, "environment": live.environment, "line": live.number}
    if found.rollout:
        metadata |= {"rollout": found.rollout, "arm": found.arm, "probability": found.probability}
    return {
        "key": live.app,
        "value": found.definition,
        "reason": "SPLIT" if found.rollout else "STATIC",
        "variant": found.arm or "live",
        "metadata": metadata,
    }


def _unit(body: bytes) -> str:
    """Return the unit that a body names, empty where it names none.

    Raises:
        Mistaken: `json_*` or `utf8_invalid`; `field_invalid` for a context that is none.

    """
    if not body.strip():
        return ""
    try:
        asked = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Mistaken("json_malformed", "the body is not JSON") from error
    context = asked.get("context") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or not isinstance(context, dict | None):
        raise Mistaken("field_invalid", "`context` is an object")
    unit = (context or {}).get("targetingKey", "")
    if not isinstance(unit, str) or len(unit) > _LONGEST:
        raise Mistaken("field_invalid", f"`targetingKey` is a text of at most {_LONGEST:,} characters")
    return unit


def _told(answer: dict[str, Any], status: int) -> Told:
    return Told(msgspec.json.encode(answer), status, [(b"cache-control", b"no-store")])


def _failure(problem: Problem, _: str) -> bytes:
    return msgspec.json.encode({"errorDetails": sentence(problem)})
