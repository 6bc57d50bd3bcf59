"""An app's Definitions in a store in memory, and a desk over them."""

import pytest

from rowen.release import Reason, Releases
from rowen.store.memory.store import MemoryStore
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Definition, Rollout

KEY = bytes(range(32))
ANN = Reason(by="ann", note="because")


def hash_of(letter: str) -> str:
    """Return a hash that can be told apart at a glance."""
    return letter * 64


def a_definition(letter: str, app: str = "shop", **fields: object) -> Definition:
    """Return a Definition that its letter is the hash of."""
    return Definition(app=app, hash=hash_of(letter), source={"app": {"name": app}, **fields})


def a_canary(baseline: str = "a", candidate: str = "b", share: float = 0.05, **fields: object) -> Rollout:
    """Return a canary that has not begun."""
    arms = (
        Arm(name="baseline", definition=hash_of(baseline), share=1 - share),
        Arm(name="candidate", definition=hash_of(candidate), share=share),
    )
    return Rollout(
        **{"id": "", "app": "shop", "strategy": "canary", "arms": arms, "steps": (0.05, 0.25, 1.0), **fields}
    )  # type: ignore[arg-type]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store() -> MemoryStore:
    """A store that knows the Definitions a to e of the app `shop`."""
    store = MemoryStore()
    for letter in "abcde":
        await store.definitions.put(a_definition(letter))
    return store


@pytest.fixture
def releases(store: MemoryStore, clock: FakeClock) -> Releases:
    return Releases(store.records, store.definitions, clock, signing=KEY)
