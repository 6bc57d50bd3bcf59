"""The places in the chain: `admit` before everything that costs, `settle` when the answer has ended."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rowen.limits.admission import Admission
from rowen.limits.base import LimitsSettings, limits_of
from rowen.limits.estimate import Estimate, cost_of
from rowen.limits.meter import Meter
from rowen.limits.rules import Rule, rules_for
from rowen.limits.size import check_answer, check_prompt
from rowen.values import Attempt, Call, Checked, Clock, Grant, Hold, Limit, Money, Usage

_REMEMBERED = 10_000


class Rules:
    """The limits that hold for each caller of an app, worked out once for each."""

    __slots__ = ("_known", "_limits", "_rates")

    def __init__(self, settings: LimitsSettings) -> None:
        self._limits = limits_of(settings)
        self._rates = settings.rates
        self._known: dict[tuple[str, ...], tuple[tuple[Limit, ...], tuple[Rule, ...]]] = {}

    def of(self, call: Call) -> tuple[Rule, ...]:
        """Return the limits that hold for a call.

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
        rules = rules_for(call, self._limits, self._rates)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[who] = (own, rules)
        return rules


def admit(
    meter: Meter, settings: LimitsSettings, estimate: Estimate, clock: Clock, *, admission: Admission | None = None
) -> "Admit":
    """Return the step that lets a call in, or refuses it: size, limits, then a place among those under way."""
    return Admit(meter, settings, estimate, clock, admission)


def settle(meter: Meter, estimate: Estimate, *, admission: Admission | None = None) -> "Settle":
    """Return the step that books what a call really used, sets its cost, and gives its place up."""
    return Settle(meter, estimate, admission)


class Admit:
    """Sets `call.hold` and `call.checked`."""

    __slots__ = ("_admission", "_clock", "_estimate", "_meter", "_rules", "_settings")

    def __init__(
        self, meter: Meter, settings: LimitsSettings, estimate: Estimate, clock: Clock, admission: Admission | None
    ) -> None:
        self._meter = meter
        self._settings = settings
        self._estimate = estimate
        self._clock = clock
        self._admission = admission
        self._rules = Rules(settings)

    async def __call__(self, call: Call) -> Call:
        """Return the call with what was set aside for it.

        Raises:
            Refused: `limit_*`, `price_unknown`, `prompt_too_long`, `answer_too_long` or `overloaded`.
            Mistaken: `field_invalid` or `config_invalid`.
            Unavailable: the limits cannot be kept because the store cannot be asked.

        """
        check_answer(call.request, self._settings)
        if self._admission is not None:
            self._admission.check(call.priority)
        estimate = self._estimate
        counted = check_prompt(call.request, self._settings, estimate.count_tokens, estimate.at_most)
        now_ns = self._clock.now_ns()
        rules = self._rules.of(call)
        needs = self._needs(call, rules, counted, now_ns)
        grants: tuple[Grant, ...] = ()
        checked: tuple[Checked, ...] = ()
        if rules:
            grants = await self._meter.reserve(rules, needs.amounts, now_ns)
            checked = self._meter.used(rules)
        waited = 0.0
        if self._admission is not None:
            try:
                waited = await self._admission.enter(call.priority)
            except BaseException:
                self._meter.give_back(grants)
                raise
        hold = Hold(grants=grants, tokens=needs.tokens, money=needs.money)
        held = call.but(hold=hold, checked=checked)
        return held.noting("limits", queued_ms=round(waited * 1e3, 3)) if waited else held

    def _needs(self, call: Call, rules: tuple[Rule, ...], counted: int | None, now_ns: int) -> "_Needs":
        """Return what to set aside. Counts tokens and asks for prices only if a rule does."""
        amounts: list[int] = []
        usage: Usage | None = None
        money: Money | None = None
        tokens = 0
        units: dict[str, int] = {}
        for rule in rules:
            measure, currency = rule.measure, rule.currency
            if measure in {"requests", "concurrency"}:
                amounts.append(1)
                continue
            if usage is None:
                answer = self._estimate.answer_tokens(call.request)
                prompt = self._estimate.at_most(call.request) if counted is None else counted
                usage = Usage(input_tokens=prompt, output_tokens=answer)
                tokens = prompt + answer
            if measure == "tokens":
                amounts.append(tokens)
                continue
            if money is None:
                money = self._estimate.money(call.request, usage, now_ns)
            if currency not in units:
                units[currency] = self._estimate.units(money.amount, currency)
            amounts.append(units[currency])
        return _Needs(amounts, tokens, money)


class _Needs(NamedTuple):
    """What a call may use: for each rule in its unit, and whole."""

    amounts: list[int]
    tokens: int
    money: Money | None


class Settle:
    """Runs however the answer ended: whole, from the cache, with an error, or because the caller left."""

    __slots__ = ("_admission", "_estimate", "_meter")

    def __init__(self, meter: Meter, estimate: Estimate, admission: Admission | None) -> None:
        self._meter = meter
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
        if hold.grants:
            attempts = call.attempts
            await self._meter.settle(
                hold.grants,
                tokens=sum([attempt.usage.total for attempt in attempts]),
                money=self._money(attempts),
            )
        if call.cost is not None:
            return call
        return call.but(cost=cost_of(call.attempts, self._estimate.settings.rates))

    def _money(self, attempts: Sequence[Attempt]) -> Callable[[str], int | None]:
        """Return what gives the cost of all attempts in 1e-9 of a currency, worked out once for each currency."""
        estimate = self._estimate
        known: dict[str, int | None] = {}

        def money(currency: str) -> int | None:
            if currency not in known:
                dollars = estimate.spent(attempts)
                known[currency] = None if dollars is None else estimate.units(dollars, currency)
            return known[currency]

        return money
