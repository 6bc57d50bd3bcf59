"""The prompts of an app as its file has them, each under its name."""

from collections.abc import Mapping
from typing import Any

from rowen.prompt.base import PromptSettings, Role, Variable
from rowen.prompt.template import filled, places
from rowen.prompt.variables import DATA, faults, written
from rowen.values import Mistaken, Value

SYSTEM = "system"
"""The name of the app's own prompt."""


class Written(Value, frozen=True, kw_only=True):
    """One prompt with what its places may be filled with."""

    name: str
    text: str
    path: str = ""
    """The file it is in, as the app names it."""
    role: Role = "system"
    variables: dict[str, Variable] = {}
    about: str = ""

    def rendered(self, given: Mapping[str, Any], salt: str) -> str:
        """Return the text with its places filled.

        Args:
            given: values by name; others than this prompt's are not looked at.
            salt: makes the marks around texts hard to guess.

        Raises:
            Mistaken: `prompt_variable`.

        """
        if not self.variables:
            return filled(self.text, {}).strip()
        values = written(self.variables, given, self.name, salt)
        text = filled(self.text, values).strip()
        marked = [name for name, each in self.variables.items() if each.type == "text" and values[name]]
        if not marked:
            return text
        return f"{text}\n\n{DATA.format(mark=values[marked[0]].partition('>')[0].removeprefix('<'))}"


def written_of(settings: PromptSettings) -> dict[str, Written]:
    """Return the prompts of an app by name.

    Raises:
        Mistaken: `config_invalid` with the key as its place, such as `[prompt] variables.tone`.

    """
    found: dict[str, Written] = {}
    if settings.system is not None:
        found[SYSTEM] = Written(
            name=SYSTEM, text=settings.system.text, path=settings.system.path, variables=settings.variables
        )
    elif settings.variables:
        raise Mistaken(
            "config_invalid", "variables need a prompt: name its file as `system`", place="[prompt] variables"
        )
    for name, each in settings.named.items():
        if name == SYSTEM or not _plain(name):
            message = f"{name!r} is no name for a prompt: letters, digits, - and _, and not `{SYSTEM}`, the app's own"
            raise Mistaken("config_invalid", message, place=f"[prompt] named.{name}")
        found[name] = Written(
            name=name,
            text=each.file.text,
            path=each.file.path,
            role=each.role,
            variables=each.variables,
            about=each.about,
        )
    for made in found.values():
        if fault := faulty(made.text, made.variables):
            where, said = fault
            base = "" if made.name == SYSTEM else f"named.{made.name}."
            raise Mistaken("config_invalid", said, place=f"[prompt] {base}{where}")
    return found


def fitted(text: str, declared: Mapping[str, Variable]) -> dict[str, Variable]:
    """Return the variables of a draft: those that its places name, each as it is declared, or else a line that is needed."""
    return {name: declared.get(name, Variable()) for name in places(text)}


def drafted(settings: PromptSettings, name: str, text: str) -> PromptSettings:
    """Return the prompts of an app with another text for one of them, and the variables that fit it.

    Raises:
        Mistaken: `prompt_unknown`.

    """
    if name == SYSTEM and settings.system is not None:
        file = settings.system.but(text=text)
        return settings.but(system=file, variables=fitted(text, settings.variables))
    found = settings.named.get(name)
    if found is None:
        names = ", ".join(written_of(settings)) or "none"
        raise Mistaken(
            "prompt_unknown", f"the app has no prompt {name[:100]!r} in a file; it has {names}", place="prompt"
        )
    changed = found.but(file=found.file.but(text=text), variables=fitted(text, found.variables))
    return settings.but(named={**settings.named, name: changed})


def faulty(text: str, variables: Mapping[str, Variable]) -> tuple[str, str] | None:
    """Return the key at fault and what is wrong, where a prompt and its variables do not fit together."""
    named = places(text)
    missing = [name for name in named if name not in variables]
    if missing:
        sentence = f"the prompt has the place {{{{{missing[0]}}}}}, which is not declared"
        return "variables", f"{sentence}: add it, or write \\{{{{{missing[0]}}}}} to say it as it is"
    for name, variable in variables.items():
        if name not in named:
            return f"variables.{name}", f"the prompt has no place {{{{{name}}}}}"
        if fault := faults(name, variable):
            return f"variables.{name}", fault
    return None


def _plain(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 100
