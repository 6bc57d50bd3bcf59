"""The step `access.identify`: finds out who calls, and whether they may."""

from collections.abc import Awaitable, Callable

from rowen.access.directory import Directory
from rowen.values import Call


def identify(directory: Directory, *, app: str, default_model: str = "") -> Callable[[Call], Awaitable[Call]]:
    """Return the step for one app. It sets `call.caller`, and `call.priority` to no more than the key's.

    A key that is limited to some models is held against the model that answers: a request that names the app itself,
    or nothing, means `default_model`.

    The step raises `Refused`: `key_missing`, `key_unknown`, `key_revoked`, `key_expired`, `key_scope`, `key_network`.
    """
    check = directory.check

    async def step(call: Call) -> Call:
        if call.caller is not None:
            return call  # made inside the process: no door sets a caller
        door = call.door
        model = call.request.model
        if not model or model == app:
            model = default_model
        caller = await check(door.key_digest, door.address, door.shape, app, model)
        # `normal` is what a call has when nobody asked for anything, so only `low` is a wish.
        return call.but(caller=caller, priority="low" if call.priority == "low" else caller.priority)

    return step
