"""Wires batches: the files and the desk, and the doors that their lines are put to."""

from rowen.api.anthropic import errors as anthropic
from rowen.api.anthropic.batches import MessageBatchDoor, MessageBatchesDoor
from rowen.api.anthropic.messages import MessagesDoor
from rowen.api.base import Door, Services
from rowen.api.batching import Batching, doorways
from rowen.api.openai import errors as openai
from rowen.api.openai.batches import BatchDoor, BatchesDoor
from rowen.api.openai.chat import ChatDoor
from rowen.api.openai.embeddings import EmbeddingsDoor
from rowen.api.openai.files import FileDoor, FilesDoor
from rowen.api.openai.responses import ResponsesDoor
from rowen.batch import KIND, Batches, Files, Room, Work, WorkSettings
from rowen.jobs import Handler
from rowen.serve.ground import Ground
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Clock


class Batched:
    """The batches of one process.

    Args:
        ground: what it is made on.
        services: of the doors that lines are put to.

    """

    def __init__(self, ground: Ground, services: Services) -> None:
        store, settings, clock = ground.store, ground.settings, ground.clock
        self._services = services
        files = files_of(store, settings, clock)
        self.batches = Batches(store.records, files, ground.jobs, clock)
        self._batching = Batching(batches=self.batches, files=files, entry=ground.directory.entry)
        doors = {
            "/v1/chat/completions": ChatDoor(services),
            "/v1/responses": ResponsesDoor(services),
            "/v1/embeddings": EmbeddingsDoor(services),
            "/v1/messages": MessagesDoor(services),
        }
        self._work = Work(
            store.records,
            self.batches,
            doorways(doors, self._batching),
            clock,
            WorkSettings(at_once=settings.batch_at_once),
        )

    @property
    def handlers(self) -> dict[str, Handler]:
        """Who works on batches."""
        return {KIND: self._work}

    def exact(self) -> dict[str, Door]:
        """Return the doors by path."""
        services, batching = self._services, self._batching
        return {
            "/v1/files": FilesDoor(services, batching, openai.body),
            "/v1/batches": BatchesDoor(services, batching, openai.body),
            "/v1/messages/batches": MessageBatchesDoor(services, batching, anthropic.body),
        }

    def under(self) -> dict[str, Door]:
        """Return the doors of what stands under a path."""
        services, batching = self._services, self._batching
        return {
            "/v1/files/": FileDoor(services, batching, openai.body),
            "/v1/batches/": BatchDoor(services, batching, openai.body),
            "/v1/messages/batches/": MessageBatchDoor(services, batching, anthropic.body),
        }


def files_of(store: Store, settings: ServerSettings, clock: Clock) -> Files:
    """Return the files of a deployment."""
    room = Room(file=settings.batch_bytes, tenant=settings.batch_room, line=settings.body_limit)
    return Files(store.records, clock, room)
