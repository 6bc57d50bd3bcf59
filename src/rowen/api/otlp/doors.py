"""The map of the OTLP doors: path → door."""

from rowen.api.base import Door
from rowen.api.otlp.base import Receiving
from rowen.api.otlp.door import OtlpDoor, logs, metrics, spans


def doors(receiving: Receiving) -> dict[str, Door]:
    """Return the doors, under OpenTelemetry's paths and under those that Langfuse's programs use."""
    signals = {"traces": spans, "logs": logs, "metrics": metrics}
    return {
        f"{prefix}/v1/{name}": OtlpDoor(receiving, signal)
        for prefix in ("", "/api/public/otel")
        for name, signal in signals.items()
    }
