"""Records of one kind as values of their own type."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from rowen.store.base import Record, Records
from rowen.store.together import together
from rowen.values import Mistaken, Value

V = TypeVar("V", bound=Value)


class _Packed(msgspec.Struct):
    """A body that JSON cannot say: MessagePack inside JSON. What was written before it was packed has none."""

    packed: bytes = b""


class Shelf(Generic[V]):
    """Where values of one type stand among the records.

    Args:
        records: the family of the store.
        kind: the name of the type among the records, which never changes.
        type_: the type of the values.
        describe: gives the record of a value without its body: its id, and what it is found by.
        packed: whether values may hold an infinite number, such as an interval without an end, which JSON has not.

    """

    def __init__(
        self,
        records: Records,
        kind: str,
        type_: type[V],
        describe: Callable[[V], Record],
        *,
        packed: bool = False,
    ) -> None:
        self._records = records
        self._kind = kind
        self._decode = _unpacking(type_) if packed else msgspec.json.Decoder(type_).decode
        self._encode = _pack if packed else msgspec.json.encode
        self._describe = describe

    async def put(self, value: V, *, expect: int | None = None) -> int:
        """Write a value in place of an earlier one of its id; return its version.

        Raises:
            Mistaken: `conflict` when somebody else wrote it since version `expect`.

        """
        return (await self._records.put(self.record(value), expect=expect)).version

    def record(self, value: V) -> Record:
        """Return the record of a value, to write it together with others."""
        return self._describe(value).but(kind=self._kind, body=self._encode(value))

    async def get(self, id: str, tenant: str | None = None) -> V | None:
        """Return a value by id."""
        found = await self._records.get(self._kind, id, tenant)
        return None if found is None else self._decode(found.body)

    async def versioned(self, id: str, tenant: str | None = None) -> tuple[V, int] | None:
        """Return a value with its version, to write it back with `expect`."""
        found = await self._records.get(self._kind, id, tenant)
        return None if found is None else (self._decode(found.body), found.version)

    async def find(
        self,
        *,
        tenant: str | None = None,
        app: str = "",
        apps: tuple[str, ...] = (),
        group: str = "",
        state: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        limit: int = 1000,
    ) -> list[V]:
        """Return values, newest first; those of one app, or of some."""

        async def of(app: str) -> Sequence[Record]:
            return await self._records.find(
                self._kind,
                tenant=tenant,
                app=app,
                group=group,
                state=state,
                since_ns=since_ns,
                until_ns=until_ns,
                limit=limit,
            )

        found = await together(apps or (app,), of, place=lambda each: (each.at_ns, each.id, each.tenant), limit=limit)
        return [self._decode(each.body) for each in found]

    async def delete(self, id: str, tenant: str | None = None) -> bool:
        """Remove a value; return whether it was there."""
        return await self._records.delete(self._kind, id, tenant)

    async def amend(self, id: str, change: Callable[[V], V], tenant: str | None = None) -> V | None:
        """Change a value as it stands now, also while others do; return it changed, None when it is not there."""
        while True:
            found = await self.versioned(id, tenant)
            if found is None:
                return None
            value, version = found
            changed = change(value)
            try:
                await self.put(changed, expect=version)
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
            else:
                return changed


def _pack(value: Value) -> bytes:
    return msgspec.json.encode(_Packed(msgspec.msgpack.encode(value)))


def _unpacking(type_: type[V]) -> Callable[[bytes], V]:
    plain, unpacked = msgspec.json.Decoder(type_).decode, msgspec.msgpack.Decoder(type_).decode
    wrapped = msgspec.json.Decoder(_Packed).decode

    def decode(body: bytes) -> V:
        found = wrapped(body).packed
        return unpacked(found) if found else plain(body)

    return decode
