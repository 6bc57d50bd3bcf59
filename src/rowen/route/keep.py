"""Keep a whole good answer for the next one who asks the same."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from rowen.route.base import Models
from rowen.route.cache import AnswerCache, cacheable
from rowen.route.similar import SimilarCache
from rowen.store.base import Cached
from rowen.values import Call, Clock


def keep(
    cache: AnswerCache, models: Models, clock: Clock, similar: Mapping[str, SimilarCache] = MappingProxyType({})
) -> Callable[[Call], Awaitable[Call]]:
    """Return the step that puts a model's answer into the cache, and into that by meaning where the model has one.

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
        cached = Cached(answer=call.answer, trace=call.id, stored_ns=now_ns, expires_ns=expires_ns)
        cache.put(call.plan.cache_key, cached)
        if (alike := similar.get(route.name)) is not None and (facts := alike.keep(call, cached)):
            return call.noting("route.keep", **facts)
        return call

    return step
