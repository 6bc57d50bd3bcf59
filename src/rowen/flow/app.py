"""An app that is being served: its Definition, its settings, and the chain assembled from them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from rowen.flow.chain import Chain, Step
from rowen.flow.walk import Walk
from rowen.prompt import PromptSettings, render, written_of
from rowen.prompt.candidate import candidate
from rowen.prompt.written import drafted
from rowen.values import Call, Caller, Clock, Definition, Deployment, Door, Priority, Request, new_id
from rowen.values.errand import Errand

RENDER = "prompt.render"
"""The name of the step that puts the app's words to a call."""

_NONE = PromptSettings()


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One app as it runs now. A reload makes a new one; calls under way keep theirs."""

    name: str
    definition: Definition
    chain: Chain
    models: Mapping[str, tuple[Deployment, ...]]
    """Model names that callers may use, each with its deployments."""
    default_model: str
    """The model that the app's own name stands for."""
    clock: Clock
    split: Callable[[Call], tuple["App", Call]] | None = None
    """Says which app answers a call, while several Definitions of this one do."""
    prompts: PromptSettings = _NONE
    render: Callable[[PromptSettings], Step] = render
    """Makes the chain's step `prompt.render` of other prompts."""
    ready: Callable[[], Awaitable[None]] = _nothing
    """Makes what would keep the first call waiting: vectors of examples. Raises no `Problem`."""

    def drafted(self, name: str, text: str) -> "App":
        """Return the app as it would be with another text of a prompt: under the hash of that candidate Definition.

        Raises:
            Mistaken: `prompt_unknown`, or `config_invalid` for a text that cannot be a prompt.

        """
        before = written_of(self.prompts).get(name)
        if before is not None and before.text == text:
            return self
        prompts = drafted(self.prompts, name, text)
        variables = written_of(prompts)[name].variables
        other = variables if before is None or variables != before.variables else None
        step = self.render(prompts)
        steps = tuple((each, step if each == RENDER else old) for each, old in self.chain.before)
        return replace(
            self,
            prompts=prompts,
            definition=candidate(self.definition, name, text, other),
            chain=replace(self.chain, before=steps),
            split=None,
        )

    def walk(self, call: Call) -> Walk:
        """Start a walk through the chain: this app's, or that of the arm which the call is assigned to."""
        split = self.split
        if split is not None and not call.door.bare:
            app, call = split(call)
            return Walk(app.chain, call, self.clock)
        return Walk(self.chain, call, self.clock)

    async def ask(
        self,
        request: Request,
        *,
        errand: Errand,
        name: str = "",
        tenant: str,
        priority: Priority = "low",
        within: str = "",
    ) -> Call:
        """Walk a request of the house itself (a judge, an index, a rewriter) to the end; return the finished call.

        It is limited, traced and paid for like any other, and waits behind users' calls unless its priority says not.

        Args:
            request: without a model, the app's own is asked.
            errand: what for; one for which a model is asked bare.
            name: of the rule, the collection …, where the errand is for something that has one.
            tenant: on whose account.
            priority: under load.
            within: the id of the call for which it is asked: it is shown below that, and erased with it.

        Raises:
            Problem: whatever ended the walk.

        """
        now_ns = self.clock.now_ns()
        call = Call(
            id=new_id(now_ns),
            app=self.name,
            definition=self.definition.hash,
            request=request if request.model else request.but(model=self.default_model),
            door=Door(shape="internal", path="/".join(filter(None, (errand.path, name))), parent_trace=within),
            started_ns=now_ns,
            caller=Caller(key="", shown=" ".join(filter(None, (errand.shown, name))), tenant=tenant, priority=priority),
            feature=errand.under(name),
            priority=priority,
            tags=(errand.tag,),
        )
        return await self.walk(call).answer()


class Apps(Protocol):
    """The apps served here."""

    def named(self, name: str) -> App:
        """Return an app; the first one when `name` is empty.

        Raises:
            Mistaken: `app_unknown`.

        """
        ...

    def all(self) -> tuple[App, ...]: ...
