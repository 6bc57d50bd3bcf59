"""How the services that speak OpenAI's wire differ from one another: as fields, not as names."""

from typing import Literal

from rowen.provider.base import ModelSettings
from rowen.values import Profile, Value


class Service(Value, frozen=True, kw_only=True):
    """One OpenAI-compatible service: where it is, and what of the wire it has its own way with."""

    base_url: str = ""
    """Empty where every user has an address of his own."""
    key_header: str = "authorization"
    key_scheme: str = "Bearer "
    key_needed: bool = True
    path: str = "{operation}"
    dated_path: str = ""
    """The path when an `api_version` is set."""
    usage_option: bool = True
    """Takes `stream_options.include_usage`; the others send usage anyway or never."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    developer: bool = False
    """Knows the role `developer`; the others get it as `system`."""
    seed: str = "seed"
    required: str = "required"
    """The word for a tool choice of any tool."""
    named_choice: bool = True
    """Takes a tool choice that names the tool."""
    thoughts: str = ""
    """The field of an assistant message in which reasoning goes back; empty where it must not."""
    reasoning: Literal["effort", "object"] = "effort"
    """`reasoning_effort`, or a `reasoning` object that also takes a token budget."""
    sends_user: bool = True
    sends_metadata: bool = False
    profile: Profile = Profile(embeddings=True)


# From the public API references of each service, November 2026.
SERVICES: dict[str, Service] = {
    "openai": Service(
        base_url="https://api.openai.com/v1",
        max_tokens="max_completion_tokens",
        developer=True,
        sends_metadata=True,
        profile=Profile(embeddings=True, audio=True),
    ),
    "azure": Service(
        key_header="api-key",
        key_scheme="",
        path="/openai/v1{operation}",
        dated_path="/openai/deployments/{model}{operation}?api-version={api_version}",
        max_tokens="max_completion_tokens",
        developer=True,
        profile=Profile(embeddings=True, audio=True),
    ),
    "mistral": Service(
        base_url="https://api.mistral.ai/v1",
        usage_option=False,
        seed="random_seed",
        required="any",
        sends_user=False,
        profile=Profile(embeddings=True, logprobs=False, audio=True),
    ),
    "groq": Service(
        base_url="https://api.groq.com/openai/v1",
        max_tokens="max_completion_tokens",
        thoughts="reasoning",
        profile=Profile(files=False, logprobs=False, many=False),
    ),
    "deepseek": Service(
        base_url="https://api.deepseek.com",
        thoughts="reasoning_content",
        sends_user=False,
        profile=Profile(images=False, files=False, schema=False, many=False, seed=False, parallel_tools=False),
    ),
    "together": Service(
        base_url="https://api.together.xyz/v1",
        sends_user=False,
        profile=Profile(embeddings=True, files=False, top_k=True),
    ),
    "openrouter": Service(
        base_url="https://openrouter.ai/api/v1",
        thoughts="reasoning",
        reasoning="object",
        profile=Profile(embeddings=True, audio=True, top_k=True, many=False),
    ),
    "vllm": Service(
        base_url="http://127.0.0.1:8000/v1",
        key_needed=False,
        thoughts="reasoning_content",
        profile=Profile(embeddings=True, audio=True, files=False, top_k=True),
    ),
    "sglang": Service(
        base_url="http://127.0.0.1:30000/v1",
        key_needed=False,
        thoughts="reasoning_content",
        profile=Profile(embeddings=True, audio=True, files=False, top_k=True),
    ),
    "ollama": Service(
        base_url="http://127.0.0.1:11434/v1",
        key_needed=False,
        named_choice=False,
        profile=Profile(embeddings=True, files=False, many=False, parallel_tools=False),
    ),
    "llamacpp": Service(
        base_url="http://127.0.0.1:8080/v1",
        key_needed=False,
        thoughts="reasoning_content",
        profile=Profile(embeddings=True, audio=True, files=False, top_k=True, reasoning=False),
    ),
}


def declared(settings: ModelSettings) -> Profile:
    """Return what the models of a service can do unless the definition says otherwise."""
    return SERVICES[settings.provider].profile
