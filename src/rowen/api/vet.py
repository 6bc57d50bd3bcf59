"""Who may make us read a large body: somebody whose key is known."""

from rowen.api.base import Services
from rowen.api.envelope import Envelope
from rowen.values import Refused

_INVALID = frozenset({"key_missing", "key_unknown", "key_revoked", "key_expired"})


def vet(services: Services, envelope: Envelope, shape: str) -> None:
    """Refuse an invalid key before its body is read, when the body is large or does not say how large it is.

    Raises:
        Refused: `key_missing`, `key_unknown`, `key_revoked` or `key_expired`.

    """
    length = envelope.length
    if length is not None and length <= services.settings.open_limit:
        return
    try:
        services.check(envelope.digest, envelope.address, shape, envelope.app, None)
    except Refused as problem:
        # What else a key may not is the chain's to say, when the app and the model are known.
        if problem.code in _INVALID:
            raise
