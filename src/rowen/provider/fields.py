"""What to do with fields that the provider does not know or the model cannot honour: the model's `unknown` policy."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from rowen.values import Deployment, Mistaken, Request


class Settled(NamedTuple):
    """A request that its deployment can honour: further fields to send, and the names of those left out."""

    request: Request
    extra: dict[str, Any]
    dropped: tuple[str, ...]


# What can be left out and still give an answer of the form asked for. Tools, images and formats cannot.
_LEFT_OUT: dict[str, dict[str, Any]] = {
    "logprobs": {"logprobs": False, "top_logprobs": None},
    "n": {"n": 1},
    "seed": {"seed": None},
    "top_k": {"top_k": None},
    "frequency_penalty": {"frequency_penalty": None, "presence_penalty": None},
    "presence_penalty": {"frequency_penalty": None, "presence_penalty": None},
    "reasoning_effort": {"reasoning": None},
    "parallel_tool_calls": {"parallel_tools": None},
    "dimensions": {"dimensions": None},
    "stop": {"stop": ()},
    "temperature": {"temperature": None},
    "top_p": {"top_p": None},
}

# Of the conversation with one vendor, not of what is asked: left out for every other, whatever the policy, and told.
_HINTS = frozenset({"anthropic_beta"})

_ASKED: dict[str, Callable[[Request], bool]] = {
    "logprobs": lambda r: r.logprobs,
    "n": lambda r: r.n > 1,
    "seed": lambda r: r.seed is not None,
    "top_k": lambda r: r.top_k is not None,
    "frequency_penalty": lambda r: r.frequency_penalty is not None,
    "presence_penalty": lambda r: r.presence_penalty is not None,
    "reasoning_effort": lambda r: r.reasoning is not None,
    "parallel_tool_calls": lambda r: r.parallel_tools is False,
    "temperature": lambda r: r.temperature is not None,
    "top_p": lambda r: r.top_p is not None,
    "dimensions": lambda r: r.dimensions is not None,
    "stop": lambda r: bool(r.stop),
    "modalities": lambda r: bool(set(r.modalities) - {"text"}),
    "input tokens": lambda r: bool(r.tokens),
}


def settle(
    request: Request, deployment: Deployment, *, family: AbstractSet[str], cannot: AbstractSet[str] = frozenset()
) -> Settled:
    """Return what to send.

    Args:
        request: what was asked.
        deployment: where; its profile and its `unknown` policy decide.
        family: the dialects whose own fields this provider takes as they are.
        cannot: fields of `Request`, by OpenAI's names, that this wire has no place for, whatever the profile says.

    Raises:
        Mistaken: `field_unknown` or `field_unsupported`, with the field's name as its place.

    """
    if request.reasoning is not None and request.reasoning.effort == "none" and not deployment.profile.reasoning:
        request = request.but(reasoning=None)  # "do not think" is what such a model does anyway
    lacking = deployment.profile.lacks(request)
    unsendable = [name for name in sorted(cannot) if _ASKED[name](request)] if cannot else []
    if not lacking and not unsendable and not request.extra:
        return Settled(request, {}, ())
    policy = deployment.unknown
    dropped: list[str] = []
    changes: dict[str, Any] = {}
    for name in dict.fromkeys((*lacking, *unsendable)):
        if policy == "pass" and name not in unsendable:
            continue
        if policy != "drop" or name not in _LEFT_OUT:
            raise Mistaken("field_unsupported", f"{deployment.model!r} cannot honour {name!r}.", place=name)
        changes |= _LEFT_OUT[name]
        dropped.append(name)
    extra = request.extra
    if extra and request.dialect not in family:
        hints = [name for name in extra if name in _HINTS]
        if hints:
            dropped.extend(hints)
            extra = {name: value for name, value in extra.items() if name not in _HINTS}
    if extra and request.dialect not in family and policy != "pass":
        if policy == "refuse":
            name = next(iter(extra))
            message = f"The provider of {deployment.model!r} does not know the field {name!r}."
            raise Mistaken("field_unknown", message, place=name)
        dropped.extend(extra)
        extra = {}
    return Settled(request.but(**changes) if changes else request, extra, tuple(dropped))
