"""Who may make us read a large body: somebody whose key is known."""

from rowen.api.base import DoorSettings, Services
from rowen.api.envelope import Envelope
from rowen.values import Refused

_INVALID = frozenset({"key_missing", "key_unknown", "key_revoked", "key_expired"})


def large(envelope: Envelope, settings: DoorSettings) -> bool:
    """Whether a body is large, or does not say how large it is."""
    return envelope.length is None or envelope.length > settings.open_limit


async def vet(services: Services, envelope: Envelope, shape: str) -> None:
    """Refuse an invalid key before its body is read, when that is large.

    Raises:
        Refused: `key_missing`, `key_unknown`, `key_revoked` or `key_expired`.

    """
    if not large(envelope, services.settings):
        return
    try:
        await services.check(envelope.digest, envelope.address, shape, envelope.app, None)
    except Refused as problem:
        # What else a key may not is the chain's to say, when the app and the model are known.
        if problem.code in _INVALID:
            raise
