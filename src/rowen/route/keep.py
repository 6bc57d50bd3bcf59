"""Keep a whole good answer for the next one who asks the same."""

from collections.abc import Awaitable, Callable

from rowen.route.base import Models
from rowen.route.cache import AnswerCache, cacheable
from rowen.store.base import Cached
from rowen.values import Call, Clock


def keep(cache: AnswerCache, models: Models, clock: Clock) -> Callable[[Call], Awaitable[Call]]:
    """Return the step that puts a model's answer into the cache.

    Never kept are failed, cut, filtered and cancelled answers, those that two deployments wrote together, and, unless
    the model says so, those that call tools.
    """

    async def step(call: Call) -> Call:
        if call.plan is None or not call.plan.cache_key or call.source != "model" or call.problem is not None:
            return call
        route = models.named(call.request.model)
        if route is None or call.answer is None or not cacheable(call.answer, route):
            return call
        if any(attempt.reason == "continue" for attempt in call.attempts):
            return call
        now_ns = clock.now_ns()
        expires_ns = now_ns + int(route.cache_ttl * 1e9)
        cache.put(
            call.plan.cache_key, Cached(answer=call.answer, trace=call.id, stored_ns=now_ns, expires_ns=expires_ns)
        )
        return call

    return step
