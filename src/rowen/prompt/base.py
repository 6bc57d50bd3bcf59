"""Settings of the prompts."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.config import TextFile, TextFiles
from rowen.values import Settings

Type = Literal["string", "text", "number", "boolean", "choice", "list"]
Role = Literal["system", "user"]


class Variable(Settings, frozen=True, kw_only=True):
    """What a place of a prompt, `{{name}}`, may be filled with."""

    type: Type = "string"
    """`string`: one line. `text`: several, shown to the model between marks, as data. `choice`: one of `choices`."""
    about: str = ""
    """For people."""
    required: bool = True
    """Whether a call must bring it where there is no default. Otherwise it is empty."""
    default: Any = None
    """What stands there when a call brings nothing."""
    choices: tuple[str, ...] = ()
    """Of a `choice`."""
    least: float | None = None
    """The least number, or how many characters or items there must be."""
    most: float | None = None
    """The greatest number, or how many characters or items; default: 200 of a `string`, 20,000 of a `text`, 100 of a `list`."""


class ExamplesTable(Settings, frozen=True, kw_only=True):
    """Cases that are shown to the model before the question, those that are most like it."""

    files: TextFiles | None = None
    """JSON lines of cases, as a pattern: `cases/*.jsonl`. What `input` (or `question`) asks, `expected` should answer."""
    dataset: str = ""
    """A version of a data set: `NAME@8a0c31`."""
    top: Annotated[int, Meta(ge=1, le=50)] = 3
    """How many at most."""
    budget: Annotated[int, Meta(ge=1)] = 800
    """Tokens for all of them; one that does not fit is left out."""
    embed: str = "minilm"
    """A model of `[models]`, or a bundled one, that makes the vectors."""
    variety: Annotated[float, Meta(ge=0, le=1)] = 0.1
    """How much being like another example takes off; 0 takes the most alike, whatever they say."""
    least: Annotated[float, Meta(ge=-1, le=1)] = 0.2
    """Cosine below which a case is no example of the question."""


class NamedPrompt(Settings, frozen=True, kw_only=True):
    """A further prompt, which calls ask for by name."""

    file: TextFile
    """The file with its text."""
    role: Role = "system"
    """`system`: it takes the place of the app's own. `user`: it is a question, put before what the caller says."""
    about: str = ""
    """One sentence for people."""
    variables: dict[str, Variable] = {}
    """What its places may be filled with."""


class PromptSettings(Settings, frozen=True, kw_only=True):
    """What the app says before the caller does."""

    system: TextFile | None = None
    """A file with the system prompt."""
    when: Literal["always", "absent"] = "always"
    """`always`: before the caller's own system message. `absent`: only when the caller sends none."""
    variables: dict[str, Variable] = {}
    """What the places of the system prompt, such as `{{tone}}`, may be filled with."""
    named: dict[str, NamedPrompt] = {}
    """Further prompts, which calls ask for by name."""
    examples: ExamplesTable | None = None
    """Cases that are shown before the question; none unless given."""
    sources: TextFile | None = None
    """A file that says how to answer from sources, in place of the one that Rowen has."""
    place: Literal["question", "system"] = "question"
    """Where the sources stand: before the question, so that what comes before stays the same and is cached by providers;
    or at the end of the system prompt."""
