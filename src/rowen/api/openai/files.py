"""`/v1/files`: the files that batches are made of, in OpenAI's shape."""

from typing import Any

import msgspec

from rowen.api.batching import HeldDoor, asked, limit_of
from rowen.api.envelope import Inbound
from rowen.api.simple import Told
from rowen.api.upload import Form
from rowen.batch import File, Holder
from rowen.values import Mistaken, Refused
from rowen.values.whole import whole

SHAPE = "openai.batch"

_json = msgspec.json.Encoder().encode
_S = 1_000_000_000
_SHORTEST, _LONGEST = 3600, 2_592_000


class FilesDoor(HeldDoor):
    """Takes a file in, and lists those of the key."""

    shape = SHAPE
    methods = ("GET", "POST")

    async def tell(self, inbound: Inbound) -> Told:
        """Return the file, or the list."""
        holder = await self.holder(inbound.envelope)
        if inbound.envelope.method == "POST":
            return Told(_json(file_object(await self._taken(inbound, holder))))
        return Told(_json(await self._listed(inbound.query, holder)))

    async def _taken(self, inbound: Inbound, holder: Holder) -> File:
        files, settings = self.batching.files, self.services.settings
        length = inbound.envelope.length
        if length is not None and length > files.room.file + 65_536:
            raise Refused("body_too_large", f"a file has {files.room.file:,} bytes at most", place="file")
        form = Form(inbound.envelope, inbound.receive, settings)
        await form.begun()
        file = await files.keep(holder, form.filename, form.file())
        try:
            expires = _expires(form.fields, file.created_ns)
        except Mistaken:
            await files.delete(file)
            raise
        if expires:
            file = file.but(expires_ns=expires)
            await files.result(file)
        return file

    async def _listed(self, query: bytes, holder: Holder) -> dict[str, Any]:
        purpose = asked(query, "purpose")
        found = [each for each in await self.batching.files.find(holder) if purpose in {"", each.purpose}]
        if asked(query, "order") == "asc":
            found.reverse()
        return page([file_object(each) for each in found], asked(query, "after"), limit_of(query, 10_000, 10_000))


class FileDoor(HeldDoor):
    """One file: what is known of it, its content, its end."""

    shape = SHAPE
    methods = ("GET", "DELETE")

    async def tell(self, inbound: Inbound) -> Told:
        """Return what was asked of the file."""
        holder = await self.holder(inbound.envelope)
        id, _, rest = inbound.envelope.path.removeprefix("/v1/files/").partition("/")
        files = self.batching.files
        if rest not in {"", "content"} or (rest and inbound.envelope.method == "DELETE"):
            raise Mistaken("not_found", f"There is nothing at {inbound.envelope.path[:200]}.")
        file = await files.get(id, holder)
        if rest:
            return Told(b"", pieces=files.content(file), content_type=b"application/octet-stream")
        if inbound.envelope.method == "DELETE":
            await files.delete(file)
            return Told(_json({"id": file.id, "object": "file", "deleted": True}))
        return Told(_json(file_object(file)))


def file_object(file: File) -> dict[str, Any]:
    """Return a file in OpenAI's words."""
    found: dict[str, Any] = {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_ns // _S,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
    }
    return {**found, "expires_at": file.expires_ns // _S} if file.expires_ns else found


def page(items: list[dict[str, Any]], after: str, limit: int) -> dict[str, Any]:
    """Return a page of a list, from the one behind `after` on."""
    start = next((number for number, each in enumerate(items, 1) if each["id"] == after), 0) if after else 0
    if after and not start:
        raise Mistaken("not_found", "There is nothing of the id that `after` names.", place="after")
    shown = items[start : start + limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": start + limit < len(items),
    }


def _expires(fields: dict[str, str], created_ns: int) -> int:
    """Return when a file ends by its form; 0 where that does not say so."""
    if fields.get("purpose", "") != "batch":
        raise Mistaken("field_unsupported", "Only files of the purpose `batch` are kept here.", place="purpose")
    seconds = "expires_after[seconds]"
    if not fields.get(seconds, ""):
        return 0
    if fields.get("expires_after[anchor]", "") != "created_at":
        raise Mistaken("field_invalid", "expires_after.anchor is `created_at`", place="expires_after.anchor")
    return created_ns + whole(fields, seconds, _SHORTEST, _LONGEST) * _S
