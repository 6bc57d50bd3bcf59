"""Who answers: cache, choice of deployment, fallback, retry, hedging, circuit breaking."""

from rowen.route.attempt import attempt
from rowen.route.base import Breaking, Health, ModelRoute, Models
from rowen.route.cache import AnswerCache, cache_key
from rowen.route.choose import choose
from rowen.route.keep import keep
from rowen.route.similar import SimilarCache
from rowen.route.state import FleetState

__all__ = [
    "AnswerCache",
    "Breaking",
    "FleetState",
    "Health",
    "ModelRoute",
    "Models",
    "SimilarCache",
    "attempt",
    "cache_key",
    "choose",
    "keep",
]
