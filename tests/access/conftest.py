"""A house with keys: the families in memory, a clock that stands until it is told, and all of access on top."""

import asyncio
from dataclasses import dataclass, field

import pytest

from rowen.access import Directory, Register, Sessions, Throttle, Wanted
from rowen.access.act import SYSTEM
from rowen.values import AuditEntry, Key, Tenant, Unavailable, User

START = 1_800_000_000_000_000_000


class Hands:
    """A clock whose hands are moved by the test."""

    def __init__(self) -> None:
        self.ns = START

    def now_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9

    def on(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


@dataclass
class Shelf:
    """Every family that access needs, kept in dicts. `down` makes all of it unavailable."""

    kept: dict[str, Key] = field(default_factory=dict)
    homes: dict[str, Tenant] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    lines: list[AuditEntry] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    touched: list[dict[str, int]] = field(default_factory=list)
    changes: int = 0
    looks: int = 0
    down: bool = False

    def _up(self) -> None:
        if self.down:
            raise Unavailable("store_unavailable", who="store")

    async def put(self, record: Key | Tenant) -> None:
        self._up()
        self.changes += 1
        if isinstance(record, Key):
            self.kept[record.id] = record
        else:
            self.homes[record.id] = record

    async def get(self, id: str) -> Key | None:
        self._up()
        return self.kept.get(id)

    async def touch(self, used: dict[str, int]) -> None:
        self._up()
        self.touched.append(dict(used))

    async def put_user(self, user: User) -> None:
        self._up()
        self.changes += 1
        self.people[user.id] = user

    async def users(self, tenant: str | None = None) -> list[User]:
        self._up()
        return [user for user in self.people.values() if tenant in (None, user.tenant)]

    async def append(self, entry: AuditEntry) -> AuditEntry:
        self._up()
        self.lines.append(entry)
        return entry

    async def revision(self) -> int:
        self.looks += 1
        self._up()
        return self.changes

    async def take(self, counter: str, amount: int, limit: int, expires_ns: int, *, least: int = 0) -> int:
        self._up()
        if self.counts.get(counter, 0) + amount > limit:
            return 0
        self.counts[counter] = self.counts.get(counter, 0) + amount
        return amount

    async def give_back(self, counter: str, amount: int) -> None:
        self.counts[counter] -= amount

    async def add(self, counter: str, amount: int, expires_ns: int) -> None:
        self.counts[counter] = self.counts.get(counter, 0) + amount

    async def sums(self, counters) -> list[int]:
        self._up()
        return [self.counts.get(counter, 0) for counter in counters]


@dataclass
class View:
    """One side of the shelf: `all` means keys to one family and tenants to another."""

    shelf: Shelf
    side: str

    def __getattr__(self, name: str):
        return getattr(self.shelf, name)

    async def all(self, tenant: str | None = None):
        self.shelf._up()
        if self.side == "tenants":
            return list(self.shelf.homes.values())
        return [key for key in self.shelf.kept.values() if tenant in (None, key.tenant)]


class House:
    """All of access over one shelf. `another()` is a second process over the same one."""

    def __init__(self, shelf: Shelf, clock: Hands) -> None:
        self.shelf = shelf
        self.clock = clock
        keys, tenants = View(shelf, "keys"), View(shelf, "tenants")
        self.directory = Directory(
            keys=keys, tenants=tenants, revisions=shelf, clock=clock, every=0.001, sleep=self._wait
        )
        self.register = Register(keys=keys, tenants=tenants, audit=shelf, directory=self.directory, clock=clock)
        self.people = self.register.people
        self.sessions = Sessions(
            directory=self.directory,
            recorder=self.register.recorder,
            counters=shelf,
            throttle=Throttle(shelf, clock, per_address=3, in_all=8),
            signing=b"s" * 32,
            clock=clock,
        )

    async def _wait(self, seconds: float) -> None:
        self.clock.on(seconds)
        await asyncio.sleep(0)

    def another(self) -> "House":
        return House(self.shelf, self.clock)

    async def key(self, **wanted):
        await self.people.ensure_tenant(SYSTEM, wanted.get("tenant", "default"))
        return await self.register.create(SYSTEM, Wanted(**{"name": "test", **wanted}))


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(scope="session")
def make_house():
    """Makes houses in the middle of a test, as properties need."""
    return lambda: House(Shelf(), Hands())


@pytest.fixture
async def house(clock: Hands) -> House:
    made = House(Shelf(), clock)
    await made.directory.load()
    return made
