"""The figures that doors do not know of themselves: what waits, what was shed, breakers, objectives, sources of knowledge."""

from rowen.api.metrics import Metrics
from rowen.flow.knowledge import Knowing
from rowen.serve.after import AfterHalf
from rowen.serve.apps import Served
from rowen.serve.ground import Ground
from rowen.serve.indexing import Indexing
from rowen.serve.live import LiveHalf
from rowen.serve.recording import Recording
from rowen.serve.watching import Watching


def bring(metrics: Metrics, ground: Ground, recording: Recording, live: LiveHalf, after: AfterHalf) -> None:
    """Add them to what the doors count."""
    buffer, admission = recording.buffer, ground.admission
    metrics.bring("rowen_traces_waiting", "Traces not written yet.", (), lambda: {(): len(buffer)})
    metrics.bring("rowen_traces_dropped_total", "Traces given up.", (), lambda: {(): buffer.dropped}, kind="counter")
    metrics.bring("rowen_queue_waiting", "Calls waiting for a place.", (), lambda: {(): admission.waiting})
    metrics.bring(
        "rowen_shed_total",
        "Calls sent away under load.",
        ("priority",),
        lambda: {(priority,): count for priority, count in admission.shed.items()},
        kind="counter",
    )
    _bring_models(metrics, live.served)
    _bring_objectives(metrics, after.watching)
    _bring_knowledge(metrics, after.indexing, live.shared.knowing)


def _bring_models(metrics: Metrics, served: Served) -> None:
    metrics.bring(
        "rowen_breaker_open",
        "1 while a deployment is left alone.",
        ("app", "deployment"),
        lambda: {
            (app, place.name): float(health is not None and health.state != "closed")
            for app, place, health in served.health()
        },
    )


def _bring_objectives(metrics: Metrics, watching: Watching) -> None:
    """Add what the generated Prometheus rules read. Only the process that leads the watch has figures."""

    def counted(place: int) -> dict[tuple[str, ...], float]:
        return {
            (app, id.removeprefix("slo/")): float(both[place])
            for (app, id), both in watching.engine.counted.items()
            if id.startswith("slo/")
        }

    labels = ("app", "slo")
    metrics.bring("rowen_sli_events_total", "Events of an objective.", labels, lambda: counted(0), kind="counter")
    metrics.bring(
        "rowen_sli_bad_total", "Events of an objective that were bad.", labels, lambda: counted(1), kind="counter"
    )


def _bring_knowledge(metrics: Metrics, indexing: Indexing, knowing: Knowing) -> None:
    metrics.bring(
        "rowen_search_left_out_total", "Stages of searches that were left out, for time or out of reach.",
        ("app", "knowledge", "stage"), lambda: {key: float(count) for key, count in knowing.left_out.items()},
        kind="counter",
    )  # fmt: skip
    labels = ("app", "knowledge", "source")
    metrics.bring(
        "rowen_knowledge_lag_seconds", "Time since a source of documents was last seen whole.", labels, indexing.lag
    )
    metrics.bring("rowen_knowledge_documents", "Documents of a source.", labels, lambda: indexing.counted("documents"))
    metrics.bring(
        "rowen_knowledge_quarantined", "Documents of a source that were put aside.", labels,
        lambda: indexing.counted("quarantined"),
    )  # fmt: skip
    metrics.bring(
        "rowen_knowledge_source_ill", "Whether the last look at a source did not go well: 1 or 0.", labels, indexing.ill
    )
