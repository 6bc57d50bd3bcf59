"""One version of a prompt, as the registry keeps it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from rowen.prompt.base import Role, Variable
from rowen.prompt.written import Written
from rowen.values import Value

Kind = Literal["text", "chat"]
LATEST = "latest"
"""The label that the newest version has, always."""
CANDIDATE = "candidate"
"""The label of what a rollout tries out beside what answers everybody else."""


class PromptVersion(Value, frozen=True, kw_only=True):
    """A prompt as it was once: what it says never changes, and is known by its hash."""

    name: str
    """Of an app's prompt `APP/NAME`, of any other whatever it was given."""
    version: int
    """From 1, in the order in which they were written."""
    tenant: str = "default"
    app: str = ""
    """The app whose Definitions carry it; empty for a prompt that programs fetch and fill themselves."""
    kind: Kind = "text"
    prompt: Any = ""
    """A text, or messages as `[{"role": …, "content": …}]`."""
    role: Role = "system"
    variables: dict[str, Variable] = {}
    config: Any = None
    """Whatever a program wants to have beside it, such as a model and its temperature."""
    hash: str = ""
    """SHA-256 of what it says: text, role, variables and config."""
    labels: tuple[str, ...] = ()
    released: str = ""
    """The label by which Definitions that are served mark this version; nobody moves that one by hand."""
    tags: tuple[str, ...] = ()
    note: str = ""
    """Why it was made."""
    by: str = ""
    created_ns: int = 0
    path: str = ""
    """The file of the app that it stands in."""
    definition: str = ""
    """The hash of the newest Definition that carries it: one that is served, or a candidate that nobody released yet."""

    @property
    def id(self) -> str:
        """Where it stands among the records."""
        return f"{self.name}\x1f{self.version}"

    @property
    def short(self) -> str:
        """The name of the prompt within its app."""
        return self.name.removeprefix(f"{self.app}/") if self.app else self.name

    @property
    def text(self) -> str:
        """What it says as one text. Of a chat, each message under its role."""
        return self.prompt if isinstance(self.prompt, str) else "\n\n".join(_lines(self.prompt))

    @property
    def declared(self) -> str:
        """Its variables and its configuration as text, a line for each thing, to be compared."""
        plain = {name: msgspec.to_builtins(each) for name, each in self.variables.items()}
        said = {"variables": plain} if plain else {}
        if self.config:
            said["config"] = self.config
        return msgspec.json.format(msgspec.json.encode(said)).decode() if said else ""

    def written(self) -> Written:
        """Return it as an app's file would have it."""
        return Written(name=self.name, text=self.text, path=self.path, role=self.role, variables=self.variables)


def answering(versions: Sequence[PromptVersion]) -> PromptVersion | None:
    """Return the version of an app's prompt that answers where no rollout says otherwise; None where none is served."""
    served = [each for each in versions if each.released and each.released in each.labels]
    return next((each for each in served if each.released != CANDIDATE), served[0] if served else None)


def hash_of(written: Written) -> str:
    """Return the hash of what a prompt of an app says."""
    return content_hash(written.text, written.role, written.variables)


def content_hash(prompt: Any, role: str = "system", variables: Mapping[str, Variable] | None = None, config: Any = None) -> str:  # fmt: skip
    """Return the SHA-256 of what a prompt says."""
    plain = msgspec.to_builtins([prompt, role, variables or {}, config or None])
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def _lines(messages: Any) -> list[str]:
    if not isinstance(messages, list):
        return [str(messages)]
    return [
        f"[{each.get('role') or each.get('type', '')}]\n{each.get('content') or each.get('name', '')}"
        if isinstance(each, dict)
        else str(each)
        for each in messages
    ]
