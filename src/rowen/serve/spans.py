"""Wires what takes spans in: policy, prices, scores, sampling, and the doors."""

import asyncio
import logging

from rowen.access import Directory
from rowen.api.base import Door, DoorSettings
from rowen.api.langfuse.base import Langfuse
from rowen.api.langfuse.door import PREFIX, LangfuseDoor
from rowen.api.metrics import Metrics
from rowen.api.otlp.base import Receiving, Room
from rowen.api.otlp.doors import doors
from rowen.prompt import Prompts
from rowen.provider.prices import Prices, Snapshot
from rowen.score.cases import Cases
from rowen.score.configs import Configs
from rowen.score.intake import Intake as Scoring
from rowen.score.review import Review
from rowen.serve.apps import Served
from rowen.serve.intake import policy_of, sampling_of
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.trace.intake.observe import IntakeLimits
from rowen.trace.intake.sample import Sampler
from rowen.trace.intake.take import Intake, Observe
from rowen.values import Clock, Problem

log = logging.getLogger(__name__)


class Spans:
    """Everything by which spans come in, and what is done with them afterwards.

    Args:
        settings: the deployment.
        store: where they are kept.
        observe: keeps them.
        scoring: the way in for scores.
        configs: what scores may be.
        review: what people judge.
        cases: examples to try things on.
        served: the apps, whose policies hold for their own spans.
        directory: whose key it is.
        snapshot: what usages cost.
        metrics: where refusals are counted.
        clock: the time.
        doors: what the doors take in.

    Raises:
        Mistaken: `config_invalid` for a mask that is no pattern, or a share that is none.

    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        store: Store,
        observe: Observe,
        scoring: Scoring,
        configs: Configs,
        review: Review,
        cases: Cases,
        prompts: Prompts,
        served: Served,
        directory: Directory,
        snapshot: Snapshot,
        metrics: Metrics,
        clock: Clock,
        doors: DoorSettings,
    ) -> None:
        sampling = sampling_of(settings)
        self.room = Room(settings.spans_room)
        self.intake = Intake(
            observe=observe,
            judge=scoring.take,
            policy=policy_of(settings, served.tracing),
            pricing=Prices(snapshot),
            clock=clock,
            limits=IntakeLimits(attribute=settings.spans_text),
            sampling=sampling,
        )
        self.receiving = Receiving(
            admit=directory.admit,
            intake=self.intake,
            room=self.room,
            clock=clock,
            metrics=metrics,
            settings=doors,
        )
        self._langfuse = LangfuseDoor(
            Langfuse(
                admit=directory.admit,
                intake=self.intake,
                scoring=scoring,
                scores=store.scores,
                configs=configs,
                review=review,
                cases=cases,
                traces=store.traces,
                prompts=prompts,
                records=store.records,
                clock=clock,
                metrics=metrics,
                settings=doors,
            )
        )
        self.sampler = Sampler(store.traces, store.scores, sampling, clock)
        self._task: asyncio.Task[None] | None = None
        _bring(metrics, self)

    def doors(self) -> dict[str, Door]:
        """Return the doors by path."""
        return doors(self.receiving)

    def under(self) -> dict[str, Door]:
        """Return the doors of what stands under a path."""
        return {PREFIX: self._langfuse}

    def start(self, every: float = 30.0) -> None:
        """Begin to erase what is not to stay, in the background."""
        self._task = asyncio.create_task(self._sample(every), name="span sampling")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _sample(self, every: float) -> None:
        while True:
            try:
                await self.sampler.sweep()
            except Problem as problem:
                log.warning("traces cannot be sampled now: %s", problem)
            await asyncio.sleep(every)


def _bring(metrics: Metrics, spans: Spans) -> None:
    intake, room, sampler = spans.intake, spans.room, spans.sampler
    metrics.bring(
        "rowen_spans_kept_total", "Spans that were sent and kept.", (), lambda: {(): intake.kept}, kind="counter"
    )
    metrics.bring(
        "rowen_spans_rejected_total", "Spans that could not be kept.", (), lambda: {(): intake.rejected}, kind="counter"
    )
    metrics.bring(
        "rowen_spans_turned_away_total",
        "Requests with spans that were told to come again.",
        (),
        lambda: {(): room.turned_away},
        kind="counter",
    )
    metrics.bring("rowen_spans_bytes", "Bytes of spans in work.", (), lambda: {(): room.taken})
    metrics.bring(
        "rowen_traces_sampled_out_total",
        "Traces of spans that were not to stay.",
        (),
        lambda: {(): sampler.erased},
        kind="counter",
    )
