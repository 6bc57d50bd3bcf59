import asyncio

import pytest

from rowen.prompt import Prompts, Variable, Written
from rowen.prompt.candidate import candidate
from rowen.prompt.registry import TENANT
from rowen.store.memory.shelves import MemoryRecords
from rowen.values import Definition, Mistaken

SOURCE = {
    "app": {"name": "shop"},
    "prompt": {
        "system": "s.md",
        "variables": {"tone": {"default": "kind"}},
        "named": {"sum": {"file": "sum.md", "role": "user"}},
    },
}


class Definitions:
    """Definitions in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, Definition] = {}

    async def put(self, definition: Definition) -> None:
        self.kept.setdefault(definition.hash, definition)

    async def get(self, hash: str) -> Definition | None:
        return self.kept.get(hash)

    async def all(self, app: str | None = None) -> list[Definition]:
        return [each for each in self.kept.values() if app in {None, each.app}]


class Ticks:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        self.ns += 1_000_000_000
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9


def definition(system: str = "Be {{tone}}.", hash: str = "1" * 64) -> Definition:
    return Definition(app="shop", hash=hash, source=SOURCE, files={"s.md": system, "sum.md": "Sum it up."})


def carried(system: str = "Be {{tone}}.") -> list[Written]:
    return [
        Written(name="system", text=system, path="s.md", variables={"tone": Variable(default="kind")}),
        Written(name="sum", text="Sum it up.", path="sum.md", role="user"),
    ]


@pytest.fixture
def definitions() -> Definitions:
    return Definitions()


@pytest.fixture
def prompts(definitions) -> Prompts:
    return Prompts(MemoryRecords(), definitions, Ticks())


async def served(prompts, definitions, system: str = "Be {{tone}}.", hash: str = "1" * 64, label: str = "production"):
    made = definition(system, hash)
    await definitions.put(made)
    await prompts.record(made, carried(system), label)
    return made


async def test_what_a_definition_carries_is_recorded_once_and_labelled(prompts, definitions):
    await served(prompts, definitions)
    await served(prompts, definitions)

    (found,) = await prompts.versions("shop/system", TENANT)
    assert (found.version, found.labels, found.path) == (1, ("production",), "s.md")
    assert "Definition 111111111111" in found.note
    assert prompts.number("shop", found.hash) == 1
    assert prompts.number("shop", "absent") == 0


class Slow(MemoryRecords):
    """Records that let others in before each act, as a store does."""

    async def put(self, record, *, expect=None):
        await asyncio.sleep(0)
        return await super().put(record, expect=expect)

    async def find(self, kind, **wanted):
        await asyncio.sleep(0)
        return await super().find(kind, **wanted)


async def test_processes_that_start_together_record_a_prompt_once(definitions):
    records = Slow()
    several = [Prompts(records, definitions, Ticks()) for _ in range(4)]

    await asyncio.gather(*(served(each, definitions) for each in several))

    assert [(each.version, each.labels) for each in await several[0].versions("shop/system", TENANT)] == [
        (1, ("production",))
    ]


async def test_versions_that_are_made_together_get_numbers_of_their_own(definitions):
    prompts = Prompts(Slow(), definitions, Ticks())

    await asyncio.gather(*(prompts.add("mine", f"Say {number}.", note="n") for number in range(5)))

    assert sorted(each.version for each in await prompts.versions("mine", TENANT)) == [1, 2, 3, 4, 5]


async def test_the_label_goes_to_what_is_served_and_comes_back_with_it(prompts, definitions):
    await served(prompts, definitions)
    await served(prompts, definitions, "Be very {{tone}}.", "2" * 64)
    after = await prompts.versions("shop/system", TENANT)
    await served(prompts, definitions)
    again = await prompts.versions("shop/system", TENANT)

    assert [(each.version, each.labels) for each in after] == [(2, ("production",)), (1, ())]
    assert [(each.version, each.labels) for each in again] == [(2, ()), (1, ("production",))]


async def test_a_new_version_of_an_apps_prompt_is_a_candidate_and_changes_nothing_that_is_served(prompts, definitions):
    before = await served(prompts, definitions)

    made = await prompts.add("shop/system", "Be always {{tone}}.", note="Shorter answers.", by="ann")

    kept = definitions.kept[made.definition]
    assert kept.files == {**before.files, "s.md": "Be always {{tone}}."}
    assert kept.hash != before.hash
    assert (made.version, made.labels, made.by, made.note) == (2, (), "ann", "Shorter answers.")
    assert (await prompts.get("shop/system", TENANT)).version == 1
    assert (await prompts.get("shop/system", TENANT, label="latest")).version == 2


async def test_a_candidate_can_bring_other_variables(prompts, definitions):
    await served(prompts, definitions)

    made = await prompts.add("shop/system", "Be {{mood}}.", note="Mood.", variables={"mood": Variable(default="calm")})

    assert definitions.kept[made.definition].source["prompt"]["variables"] == {"mood": {"default": "calm"}}
    assert SOURCE["prompt"]["variables"] == {"tone": {"default": "kind"}}


async def test_a_candidate_that_is_served_is_the_version_it_was(prompts, definitions):
    await served(prompts, definitions)
    made = await prompts.add("shop/system", "Be always {{tone}}.", note="Shorter.")

    await prompts.record(definitions.kept[made.definition], carried("Be always {{tone}}."), "production")

    newest, _ = await prompts.versions("shop/system", TENANT)
    assert (newest.version, newest.labels, newest.note) == (2, ("production",), "Shorter.")


@pytest.mark.parametrize(
    ("given", "code", "place"),
    [
        ({"note": " "}, "field_invalid", "note"),
        ({"prompt": "Be {{nice}}."}, "field_invalid", "prompt"),
        ({"prompt": "Be kind."}, "field_invalid", "variables.tone"),
        ({"prompt": ["no"]}, "field_invalid", "prompt"),
        ({"prompt": "Be {{tone}}."}, "conflict", "prompt"),
        ({"labels": ["production"]}, "conflict", "labels"),
        ({"base": "absent"}, "not_found", "base"),
    ],
)
async def test_a_version_that_cannot_be_is_refused_and_nothing_is_kept(prompts, definitions, given, code, place):
    await served(prompts, definitions)

    with pytest.raises(Mistaken) as raised:
        await prompts.add("shop/system", given.pop("prompt", "Be so {{tone}}."), **{"note": "Why not.", **given})

    assert (raised.value.code, raised.value.place) == (code, place)
    assert len(await prompts.versions("shop/system", TENANT)) == 1
    assert len(definitions.kept) == 1


async def test_the_label_of_a_release_is_moved_by_nobody_and_what_is_served_stays(prompts, definitions):
    await served(prompts, definitions)
    await prompts.add("shop/system", "Be always {{tone}}.", note="Shorter.")

    with pytest.raises(Mistaken, match="release the Definition"):
        await prompts.label("shop/system", TENANT, 2, ["production"])
    with pytest.raises(Mistaken, match="is served"):
        await prompts.remove("shop/system", TENANT)
    labelled = await prompts.label("shop/system", TENANT, 2, ["review"])

    assert labelled.labels == ("review",)
    assert (await prompts.get("shop/system", TENANT, label="review")).version == 2


async def test_prompts_of_no_app_have_labels_that_move_freely(prompts):
    for number in (1, 2):
        await prompts.add("mine", f"Say {number}.", note="n", labels=("production",), tenant="acme")

    await prompts.label("mine", "acme", 1, ["production"])

    assert (await prompts.get("mine", "acme")).version == 1
    assert [each.version for each in await prompts.remove("mine", "acme", version=1)] == [1]
    with pytest.raises(Mistaken) as raised:
        await prompts.get("mine", "other")
    assert raised.value.code == "not_found"


def test_a_candidate_of_a_prompt_that_is_not_there_is_none():
    with pytest.raises(Mistaken) as raised:
        candidate(definition(), "absent", "x")

    assert raised.value.code == "prompt_unknown"
