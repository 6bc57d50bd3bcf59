"""Why calls became slow: the time that a slow period adds to a baseline, taken apart into causes.

The mean added time is the sum of what each part of the calls adds, so shares of it add up too. A cause is named when
its part is longer by more than chance, adds a noticeable share to the baseline's time, and no other such part adds more:
a part is far less noisy than the whole call, so this finds more than to ask first whether calls are slower. Told apart
within the
time to the first token: longer prompts and fewer tokens from the provider's cache (by how the baseline's times grow with
the tokens that had to be read), the network (all remote providers are later by about as much) and the provider.

Times are winsorised at the 99th percentile of both periods, so that a single stuck call is no cause. Tests: Mann and
Whitney's and Welch's, corrected by Benjamini and Hochberg; see `figures` and `evaluate.statistics`.
"""

from collections.abc import Callable, Sequence
from math import inf
from statistics import fmean
from typing import Literal, get_args

from rowen.evaluate.statistics import Sums, benjamini_hochberg, welch, welch_test
from rowen.insight import figures
from rowen.insight.parts import Part, Parts
from rowen.values import Value
from rowen.values.interval import Interval

Cause = Literal[
    "queue",
    "network",
    "provider first token",
    "decode",
    "guard",
    "retrieval",
    "tool",
    "prompt length",
    "cache miss",
]
CAUSES: tuple[Cause, ...] = get_args(Cause)

FIXES: dict[Cause, str] = {
    "queue": "Calls wait for a place: raise `in_flight`, add workers or replicas, or give the important keys priority.",
    "network": "Look at the way out (DNS, proxy, TLS, packet loss); keep connections, or ask from a nearer region.",
    "provider first token": "The provider begins late: add a deployment elsewhere, `hedge_after`, or `strategy = "
    '"latency"`.',
    "decode": "Answers take longer to write: ask for fewer tokens, a faster model, or another deployment.",
    "guard": "Checks take longer: run them side by side, use smaller models for them, or sample.",
    "retrieval": "Searching takes longer: look at the index and the embedding model; ask for fewer passages; cache them.",
    "tool": "A tool is slow: give it a timeout, call tools side by side, or cache its results.",
    "prompt length": "Prompts have grown: shorten the history, retrieve fewer passages, cut the system prompt.",
    "cache miss": "Fewer answers come from a cache: see what changed in prompts, users or `ttl`; put what is fixed first.",
}

LEAST_CALLS = 30
"""On each side; with fewer the tests' approximation does not hold."""
_CERTAIN = 0.01
_NOTICED = 0.05
"""Share of the baseline's time that must be added to be worth a word."""
_SAME_PACE = 0.25
_LOCAL = frozenset({"", "local", "echo"})

_PLAIN: tuple[tuple[Cause, Part], ...] = (
    ("queue", "queue"),
    ("guard", "guard"),
    ("retrieval", "retrieval"),
    ("tool", "tool"),
)


class Share(Value, frozen=True, kw_only=True):
    """What one cause adds to the mean time of a call."""

    cause: Cause
    added_ms: float
    share: float
    """Of what all causes add that add something."""
    p: float
    """That there is no such difference, corrected for all causes looked at."""
    before: float
    after: float
    unit: str = "ms"
    """Of `before` and `after`: milliseconds, tokens, or a share of calls."""
    evidence: str = ""
    examples: tuple[str, ...] = ()
    """Traces of the slow period that show it most."""
    fix: str = ""


class Diagnosis(Value, frozen=True, kw_only=True):
    """Whether a period is slower than its baseline, and why."""

    slower: bool = False
    cause: Cause | Literal[""] = ""
    """Empty when the period is not slower, or no cause stands out."""
    before_ms: float = 0.0
    after_ms: float = 0.0
    added: Interval = Interval(value=None, low=-inf, high=inf, n=0, method="welch")
    """Milliseconds added to the mean call."""
    p: float = 1.0
    calls: int = 0
    baseline_calls: int = 0
    causes: tuple[Share, ...] = ()
    """By added time, the most first."""
    unexplained_ms: float = 0.0
    note: str = ""


def diagnose(slow: Sequence[Parts], baseline: Sequence[Parts]) -> Diagnosis:
    """Return whether a period is slower than its baseline, and which cause adds most."""
    if min(len(slow), len(baseline)) < LEAST_CALLS:
        return Diagnosis(
            calls=len(slow),
            baseline_calls=len(baseline),
            note=f"Too few calls to tell: {len(slow)} against {len(baseline)}, {LEAST_CALLS} are needed of each.",
        )
    after, before = _bounded([one.total for one in slow], [one.total for one in baseline])
    added = fmean(after) - fmean(before)
    p = _longer(after, before)
    causes = _causes(slow, baseline)
    lead = next((one for one in causes if one.p < _CERTAIN and one.added_ms > _NOTICED * fmean(before)), None)
    slower = lead is not None or (p < _CERTAIN and added > _NOTICED * fmean(before))
    note = "Not slower than the baseline by more than chance."
    if slower:
        note = "" if lead else "Slower, but no single cause stands out."
    return Diagnosis(
        slower=slower,
        cause=lead.cause if lead else "",
        before_ms=fmean(before),
        after_ms=fmean(after),
        added=welch(Sums.of(after), Sums.of(before)),
        p=p,
        calls=len(slow),
        baseline_calls=len(baseline),
        causes=tuple(causes) if slower else (),
        unexplained_ms=added - sum(one.added_ms for one in causes) if slower else 0.0,
        note=note,
    )


def _causes(slow: Sequence[Parts], baseline: Sequence[Parts]) -> list[Share]:
    asked, asked_before = _split([one for one in slow if not one.cached], [one for one in baseline if not one.cached])
    if not asked or not asked_before:
        # All came from the cache on one side, so there is nothing to take apart.
        return []
    weight = len(asked) / len(slow)
    found = [_of_part(cause, part, asked, asked_before) for cause, part in _PLAIN]
    found.append(_decode(asked, asked_before))
    found += _first_token(asked, asked_before)
    found = [one.but(added_ms=one.added_ms * weight) for one in found]
    hits = _fewer_hits(slow, baseline, asked_before)
    if hits is not None:
        found = [_larger(one, hits) if one.cause == "cache miss" else one for one in found]
    chances = benjamini_hochberg([one.p for one in found])
    every = sum(max(0.0, one.added_ms) for one in found) or 1.0
    told = [
        one.but(p=p, share=max(0.0, one.added_ms) / every, fix=FIXES[one.cause])
        for one, p in zip(found, chances, strict=True)
    ]
    return sorted(told, key=lambda one: -one.added_ms)


def _of_part(cause: Cause, part: Part, slow: Sequence[Parts], baseline: Sequence[Parts]) -> Share:
    after, before = _bounded([one.of(part) for one in slow], [one.of(part) for one in baseline])
    return Share(
        cause=cause,
        added_ms=fmean(after) - fmean(before),
        share=0.0,
        p=_longer(after, before),
        before=fmean(before),
        after=fmean(after),
        evidence=f"{fmean(before):.0f} ms → {fmean(after):.0f} ms on average",
        examples=_examples(slow, lambda one: one.of(part)),
    )


def _decode(slow: Sequence[Parts], baseline: Sequence[Parts]) -> Share:
    """Return what writing the answers adds: more tokens, or more time for each, which is far less noisy."""
    whole = _of_part("decode", "decode", slow, baseline)
    after, before = _bounded(_paces(slow), _paces(baseline))
    if not after or not before:
        return whole
    longer, shorter = _mean(slow, _written), _mean(baseline, _written)
    paced = (fmean(after) - fmean(before)) * longer
    p = _longer(after, before)
    return whole.but(
        added_ms=max(whole.added_ms, paced) if p < whole.p else whole.added_ms,
        p=min(1.0, 2 * min(p, whole.p)),
        evidence=f"{whole.evidence}: answers of {shorter:.0f} → {longer:.0f} tokens, {fmean(before):.1f} → "
        f"{fmean(after):.1f} ms for each",
    )


def _first_token(slow: Sequence[Parts], baseline: Sequence[Parts]) -> list[Share]:
    """Return what prompts, the provider's cache, the network and the provider add to the first token."""
    pace = max(0.0, figures.slope([float(_read(one)) for one in baseline], [one.of("first_token") for one in baseline]))
    more = _mean(slow, _sent) - _mean(baseline, _sent)
    fewer = _mean(baseline, _reused) - _mean(slow, _reused)
    prompts = Share(
        cause="prompt length",
        added_ms=pace * (more + min(0.0, fewer)),
        share=0.0,
        p=_longer([float(_sent(one)) for one in slow], [float(_sent(one)) for one in baseline]) if pace else 1.0,
        before=_mean(baseline, _sent),
        after=_mean(slow, _sent),
        unit="tokens",
        evidence=f"prompts of {_mean(baseline, _sent):.0f} → {_mean(slow, _sent):.0f} tokens; the baseline needs "
        f"{pace * 1000:.0f} ms for a thousand",
        examples=_examples(slow, _sent),
    )
    misses = Share(
        cause="cache miss",
        added_ms=pace * max(0.0, fewer),
        share=0.0,
        p=_longer([float(_reused(one)) for one in baseline], [float(_reused(one)) for one in slow]) if pace else 1.0,
        before=_mean(baseline, _reused),
        after=_mean(slow, _reused),
        unit="tokens",
        evidence=f"tokens from the provider's cache {_mean(baseline, _reused):.0f} → {_mean(slow, _reused):.0f} a call",
        examples=_examples(slow, lambda one: _sent(one) - _reused(one)),
    )
    return [prompts, misses, *_late(slow, baseline, pace)]


def _late(slow: Sequence[Parts], baseline: Sequence[Parts], pace: float) -> list[Share]:
    """Return what the network and the provider add to the first token, beyond what its prompt's length explains."""

    def rest(one: Parts) -> float:
        return one.of("first_token") - pace * _read(one)

    after, before = _bounded([rest(one) for one in slow], [rest(one) for one in baseline])
    gap, p = fmean(after) - fmean(before), _longer(after, before)
    wire_after, wire_before = _bounded([one.of("network") for one in slow], [one.of("network") for one in baseline])
    wire, wire_p = fmean(wire_after) - fmean(wire_before), _longer(wire_after, wire_before)
    each = _by_provider(slow, baseline, rest)
    # One provider that is late is late by itself. All of them at once have in common only the way to them.
    shared = len(each) > 1 and min(each.values()) > 0.5 * max(each.values()) > 0 and gap > 0
    told = ", ".join(f"{name} {late:+.0f} ms" for name, late in sorted(each.items(), key=lambda pair: -pair[1]))
    connecting = f"connecting and failed connections {fmean(wire_before):.0f} ms → {fmean(wire_after):.0f} ms"
    network = Share(
        cause="network",
        added_ms=wire + (gap if shared else 0.0),
        share=0.0,
        p=min(wire_p, p) if shared else wire_p,
        before=fmean(wire_before),
        after=fmean(wire_after) + (gap if shared else 0.0),
        evidence=f"all providers begin later: {told}; {connecting}" if shared else connecting,
        examples=_examples(
            slow, (lambda one: one.of("network") + rest(one)) if shared else lambda one: one.of("network")
        ),
    )
    provider = Share(
        cause="provider first token",
        added_ms=0.0 if shared else gap,
        share=0.0,
        p=1.0 if shared else p,
        before=fmean(before),
        after=fmean(before) if shared else fmean(after),
        evidence=f"beyond what the prompt's length explains: {told or f'{gap:+.0f} ms'}",
        examples=_examples(slow, rest),
    )
    return [network, provider]


def _by_provider(slow: Sequence[Parts], baseline: Sequence[Parts], rest: Callable[[Parts], float]) -> dict[str, float]:
    """Return how much later each remote provider begins that has enough calls on both sides."""
    found = {}
    for name in sorted({one.provider for one in slow} - _LOCAL):
        mine = [rest(one) for one in slow if one.provider == name]
        theirs = [rest(one) for one in baseline if one.provider == name]
        if min(len(mine), len(theirs)) >= LEAST_CALLS // 2:
            after, before = _bounded(mine, theirs)
            found[name] = fmean(after) - fmean(before)
    return found


def _fewer_hits(slow: Sequence[Parts], baseline: Sequence[Parts], asked_before: Sequence[Parts]) -> Share | None:
    """Return what fewer answers from Rowen's cache add: each costs the time of an answer from a model."""
    hits, hits_before = sum(one.cached for one in slow), sum(one.cached for one in baseline)
    if not hits_before:
        return None
    lost = hits_before / len(baseline) - hits / len(slow)
    quick = fmean([one.total for one in baseline if one.cached])
    full = fmean(_bounded([one.total for one in asked_before], [])[0]) if asked_before else quick
    return Share(
        cause="cache miss",
        added_ms=lost * (full - quick),
        share=0.0,
        p=figures.overrepresented(hits_before, hits + hits_before, len(baseline), len(slow) + len(baseline)),
        before=hits_before / len(baseline),
        after=hits / len(slow),
        unit="share of calls",
        evidence=f"answers from the cache {hits_before / len(baseline):.0%} → {hits / len(slow):.0%} of calls; "
        f"{quick:.0f} ms instead of {full:.0f} ms",
        examples=_examples([one for one in slow if not one.cached], lambda one: one.total),
    )


def _split(slow: list[Parts], baseline: list[Parts]) -> tuple[list[Parts], list[Parts]]:
    """Return answers that came in one piece with the time of writing estimated, by what each token takes.

    Only where the two periods' paces differ clearly does each have its own: an estimate that is a little off would
    move time from the beginning of all answers to their writing.
    """
    pace, pace_before = _pace(slow), _pace(baseline)
    if pace is None or pace_before is None:
        return slow, baseline
    if abs(pace - pace_before) < _SAME_PACE * pace_before:
        pace = pace_before = (pace + pace_before) / 2
    return _written_apart(slow, pace), _written_apart(baseline, pace_before)


def _pace(calls: list[Parts]) -> float | None:
    whole = [one for one in calls if not one.streamed and one.output_tokens]
    if len(whole) < LEAST_CALLS:
        return None
    return max(0.0, figures.slope([float(_written(one)) for one in whole], [one.of("first_token") for one in whole]))


def _written_apart(calls: list[Parts], pace: float) -> list[Parts]:
    found = []
    for one in calls:
        written = min(one.of("first_token"), pace * one.output_tokens) if not one.streamed else 0.0
        if written:
            times: dict[Part, float] = {
                **one.times,
                "first_token": one.of("first_token") - written,
                "decode": one.of("decode") + written,
            }
            found.append(one.but(times=times))
        else:
            found.append(one)
    return found


def _longer(sample: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the p-value of both tests: a cause that concerns few calls moves the mean, one of all calls the ranks."""
    return min(
        1.0,
        2
        * min(figures.tends_larger(sample, baseline), welch_test(Sums.of(sample), Sums.of(baseline), side="greater").p),
    )


def _larger(one: Share, other: Share) -> Share:
    return one if one.added_ms > other.added_ms else other


def _bounded(sample: Sequence[float], baseline: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return both with what lies above their common 99th percentile set to it."""
    every = sorted([*sample, *baseline])
    if not every:
        return [], []
    most = every[min(len(every) - 1, len(every) * 99 // 100)]
    return [min(value, most) for value in sample], [min(value, most) for value in baseline]


def _examples(slow: Sequence[Parts], by: Callable[[Parts], float]) -> tuple[str, ...]:
    return tuple(one.trace for one in sorted(slow, key=by, reverse=True)[:3])


def _mean(calls: Sequence[Parts], of: Callable[[Parts], float]) -> float:
    return fmean([of(one) for one in calls]) if calls else 0.0


def _sent(one: Parts) -> int:
    return one.input_tokens


def _reused(one: Parts) -> int:
    return min(one.provider_cached, one.input_tokens)


def _read(one: Parts) -> int:
    """Return the tokens that the provider had to read anew."""
    return one.input_tokens - _reused(one)


def _paces(calls: Sequence[Parts]) -> list[float]:
    return [one.of("decode") / one.output_tokens for one in calls if one.output_tokens and one.of("decode")]


def _written(one: Parts) -> int:
    return one.output_tokens
