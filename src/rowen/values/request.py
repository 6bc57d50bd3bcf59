"""What is asked of a model, in no vendor's shape."""

from typing import Any, Literal

from rowen.values.base import Value
from rowen.values.knowledge import Passage
from rowen.values.message import Message, as_said

Kind = Literal["chat", "embeddings"]


class Tool(Value, frozen=True, kw_only=True):
    """A function the model may call; `schema` is the JSON Schema of its arguments.

    A tool that the vendor runs itself (web search, code execution) has its whole declaration in `hosted`.
    """

    name: str
    about: str = ""
    schema: dict[str, Any] = {}
    strict: bool | None = None
    hosted: dict[str, Any] = {}
    extra: dict[str, Any] = {}


class ToolChoice(Value, frozen=True, kw_only=True):
    """Whether tools may or must be used: `auto`, `none`, `required` (any), or `named` (exactly `name`)."""

    mode: Literal["auto", "none", "required", "named"]
    name: str = ""


class Format(Value, frozen=True, kw_only=True):
    """The form the answer must have: `text`, `json` (any object), or `schema` (an object of that JSON Schema)."""

    kind: Literal["text", "json", "schema"]
    name: str = ""
    schema: dict[str, Any] = {}
    strict: bool | None = None
    about: str = ""


class Reasoning(Value, frozen=True, kw_only=True):
    """How much the model should think first: an effort word, a token budget, or both."""

    effort: str = ""
    budget_tokens: int | None = None
    summary: str = ""
    extra: dict[str, Any] = {}


class Prompted(Value, frozen=True, kw_only=True):
    """Which of the app's prompts a request asks for, and what its variables are."""

    name: str = ""
    """Empty: the app's own."""
    version: str = ""
    """As the caller asked for it; once rendered, the version that was: its number, or the beginning of its hash."""
    variables: dict[str, Any] = {}


class Request(Value, frozen=True, kw_only=True):
    """One question to one model name. What no field here holds is in `extra`, by the door's own field name.

    `extra` is never dropped silently: a provider of the same family as `dialect` gets it as it is, any other applies
    the model's `unknown` policy (pass or refuse).
    """

    model: str
    kind: Kind = "chat"
    dialect: str = ""
    """The shape of the door it came in by: `openai.chat`, `openai.responses`, `openai.embeddings`, `anthropic`."""
    messages: tuple[Message, ...] = ()
    texts: tuple[str, ...] = ()
    """What to embed, for `kind="embeddings"`."""
    prompt: Prompted | None = None
    """None: the app's own, with the defaults of its variables."""
    passages: tuple[Passage, ...] = ()
    """What the app's knowledge says about the question, as it was packed for the model: source number 1 is the first."""
    tokens: tuple[tuple[int, ...], ...] = ()
    """What to embed when it came as token ids."""
    dimensions: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    format: Format | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int = 1
    logprobs: bool = False
    top_logprobs: int | None = None
    reasoning: Reasoning | None = None
    modalities: tuple[str, ...] = ()
    user: str = ""
    metadata: dict[str, str] = {}
    stream: bool = False
    traceparent: str = ""
    """What the provider is told of the call's trace (W3C); empty tells it nothing. It changes no answer."""
    extra: dict[str, Any] = {}

    @property
    def said(self) -> tuple[Message, ...]:
        """The messages as the caller sent them: without the app's prompt, examples and sources.

        A question that is one of the app's prompts stays as it was filled in, since the caller said nothing else.
        """
        return tuple(said for each in self.messages if (said := as_said(each)) is not None)
