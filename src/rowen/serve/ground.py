"""What everything in a process stands on: the store, the way out to others, who calls, and how much of it may be."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from rowen import access, limits
from rowen.jobs import Queue
from rowen.provider.transport import HttpTransport
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.store.catalog import open_store
from rowen.values import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What both halves and the doors are made on."""

    settings: ServerSettings
    clock: Clock
    store: Store
    transport: HttpTransport
    directory: access.Directory
    meter: limits.Meter
    admission: limits.Admission
    jobs: Queue


async def ground_of(settings: ServerSettings, clock: Clock, stack: AsyncExitStack) -> Ground:
    """Open the store and what counts on it; the stack closes them. The directory does not follow changes of keys yet.

    Raises:
        Problem: the store cannot be opened.

    """
    store = await open_store(settings.store, clock=clock, traces=settings.traces)
    stack.push_async_callback(store.close)
    transport = HttpTransport()
    stack.push_async_callback(transport.close)
    directory = access.Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
    await directory.load()
    meter = limits.Meter(store.counters, clock)
    await meter.start()
    stack.push_async_callback(meter.close)
    places = limits.AdmissionSettings(in_flight=settings.in_flight, queue=settings.queue, wait=settings.queue_wait)
    return Ground(
        settings=settings,
        clock=clock,
        store=store,
        transport=transport,
        directory=directory,
        meter=meter,
        admission=limits.Admission(places, clock),
        jobs=Queue(store.records, clock),
    )
