"""What takes spans in, without a door: on the command line, from a file; and what of them may be kept, for every way in."""

from rowen.provider.prices import Prices, Snapshot
from rowen.score.configs import Configs
from rowen.score.intake import Intake as Scoring
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.trace import TraceSettings
from rowen.trace.intake.observe import IntakeLimits
from rowen.trace.intake.policy import Policy, SettingsOf, user_hash
from rowen.trace.intake.sample import SampleSettings
from rowen.trace.intake.take import Intake
from rowen.values import SystemClock, TraceRow


def alone(store: Store, settings: ServerSettings) -> Intake:
    """Return what takes spans in where no server stands: from a file, on the command line.

    No app is known there: the server's own policy holds for all.
    """
    clock = SystemClock()

    async def known(id: str, tenant: str) -> TraceRow | None:
        found = await store.traces.get(id, tenant)
        return None if found is None else found.row

    scoring = Scoring(store.scores, Configs(store.records, clock), known, clock)
    return Intake(
        observe=store.traces.observe,
        judge=scoring.take,
        policy=policy_of(settings, lambda _: None),
        pricing=Prices(Snapshot.load()),
        clock=clock,
        limits=IntakeLimits(attribute=settings.spans_text),
        sampling=sampling_of(settings),
    )


def sampling_of(settings: ServerSettings) -> SampleSettings:
    """Return which traces stay."""
    return SampleSettings(
        ratio=settings.sample, slow=settings.sample_slow, low=settings.sample_low, wait=settings.sample_wait
    )


def policy_of(settings: ServerSettings, of_app: SettingsOf) -> Policy:
    """Return what of a span may be kept.

    Raises:
        Mistaken: `config_invalid` for a mask that is no pattern.

    """
    default = TraceSettings(content=settings.spans_content, mask=settings.spans_mask)
    return Policy(of_app, default, user_hash(settings.user_key))
