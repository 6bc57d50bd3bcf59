"""The places in the chain: `admit` before everything that costs, `settle` when the answer has ended."""

from collections.abc import Sequence

from rowen.limits.admission import Admission
from rowen.limits.base import LimitsSettings, limits_of
from rowen.limits.estimate import Estimate, cost_of
from rowen.limits.meter import Meter
from rowen.limits.rules import rules_for
from rowen.limits.seats import Held, Seats
from rowen.limits.size import check_answer, check_prompt
from rowen.values import Call, Checked, Clock, Hold, Limit, Request, Usage

_REMEMBERED = 10_000


class Callers:
    """The limits that hold for each caller of an app, worked out once for each."""

    __slots__ = ("_known", "_limits", "_meter", "_rates")

    def __init__(self, settings: LimitsSettings, meter: Meter) -> None:
        self._limits = limits_of(settings)
        self._rates = settings.rates
        self._meter = meter
        self._known: dict[tuple[str, ...], tuple[tuple[Limit, ...], Seats]] = {}

    def of(self, call: Call) -> Seats:
        """Return what a call is counted by.

        Raises:
            Mistaken: `config_invalid`: a key's budget is in a currency that the app does not know.

        """
        caller = call.caller
        if caller is None:
            own: tuple[Limit, ...] = ()
            who: tuple[str, ...] = (call.app, call.feature, call.end_user)
        else:
            own = caller.limits
            who = (call.app, call.feature, call.end_user, caller.key, caller.user, caller.tenant)
        known = self._known.get(who)
        if known is not None and (known[0] is own or known[0] == own):
            return known[1]
        seats = self._meter.seats(rules_for(call, self._limits, self._rates))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[who] = (own, seats)
        return seats


def admit(
    meter: Meter, settings: LimitsSettings, estimate: Estimate, clock: Clock, *, admission: Admission | None = None
) -> "Admit":
    """Return the step that lets a call in, or refuses it: size, limits, then a place among those under way."""
    return Admit(meter, settings, estimate, clock, admission)


def settle(estimate: Estimate, *, admission: Admission | None = None) -> "Settle":
    """Return the step that books what a call really used, sets its cost, and gives its place up."""
    return Settle(estimate, admission)


class Admit:
    """Sets `call.hold` and `call.checked`."""

    __slots__ = ("_admission", "_callers", "_clock", "_estimate", "_settings")

    def __init__(
        self, meter: Meter, settings: LimitsSettings, estimate: Estimate, clock: Clock, admission: Admission | None
    ) -> None:
        self._settings = settings
        self._estimate = estimate
        self._clock = clock
        self._admission = admission
        self._callers = Callers(settings, meter)

    async def __call__(self, call: Call) -> Call:
        """Return the call with what was set aside for it.

        Raises:
            Refused: `limit_*`, `price_unknown`, `prompt_too_long`, `answer_too_long` or `overloaded`.
            Mistaken: `field_invalid` or `config_invalid`.
            Unavailable: the limits cannot be kept because the store cannot be asked.

        """
        request, admission = call.request, self._admission
        check_answer(request, self._settings)
        if admission is not None:
            admission.check(call.priority)
        estimate = self._estimate
        counted = check_prompt(request, self._settings, estimate.count_tokens, estimate.at_most)
        now_ns = self._clock.now_ns()
        seats = self._callers.of(call)
        tokens, units = self._weighed(request, seats, counted, now_ns) if seats.weighs else (0, ())
        taken: Held | None = None
        checked: tuple[Checked, ...] = ()
        if seats.rules:
            amounts = seats.picked(1, tokens, units)
            taken = seats.at_hand(amounts, now_ns) or await seats.asked(amounts, now_ns)
            checked = seats.used()
        waited = 0.0
        if admission is not None:
            try:
                waited = await admission.enter(call.priority)
            except BaseException:
                if taken is not None:
                    taken.give_back()
                raise
        held = call.but(hold=Hold(taken=taken, tokens=tokens), checked=checked)
        return held.noting("limits", queued_ms=round(waited * 1e3, 3)) if waited else held

    def _weighed(self, request: Request, seats: Seats, counted: int | None, now_ns: int) -> tuple[int, Sequence[int]]:
        """Return the tokens that a call may use, and its money in the units of each currency of its limits."""
        estimate = self._estimate
        answer = estimate.answer_tokens(request)
        prompt = estimate.at_most(request) if counted is None else counted
        if not seats.currencies:
            return prompt + answer, ()
        dollars = estimate.dollars(request, Usage(input_tokens=prompt, output_tokens=answer), now_ns)
        return prompt + answer, [estimate.units(dollars, currency) for currency in seats.currencies]


class Settle:
    """Runs however the answer ended: whole, from the cache, with an error, or because the caller left."""

    __slots__ = ("_admission", "_estimate")

    def __init__(self, estimate: Estimate, admission: Admission | None) -> None:
        self._estimate = estimate
        self._admission = admission

    async def __call__(self, call: Call) -> Call:
        """Return the call with its cost.

        Raises:
            Unavailable: the store cannot be written; what is owed is booked later.

        """
        hold = call.hold
        if hold is None:
            return call  # refused before anything was set aside
        if self._admission is not None:
            self._admission.leave()
        attempts = call.attempts
        cost = cost_of(attempts, self._estimate.settings.rates)
        if hold.taken is not None:
            estimate = self._estimate
            dollars = estimate.spent(attempts) if cost is None else cost.amount
            await hold.taken.settle(
                tokens=sum([attempt.usage.total for attempt in attempts]),
                money=lambda currency: None if dollars is None else estimate.units(dollars, currency),
            )
        return call if call.cost is not None else call.but(cost=cost)
