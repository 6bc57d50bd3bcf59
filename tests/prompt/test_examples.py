from array import array

import pytest

from rowen.config import TextFile
from rowen.prompt import PromptSettings, render
from rowen.prompt.base import ExamplesTable
from rowen.prompt.examples import Shots, Vectors, examples_of
from rowen.store.memory.shelves import MemoryRecords
from rowen.values import Call, Caller, Case, Door, Embeddings, Reader, Request, Unavailable, says

pytest.importorskip("numpy")

CASES = [
    Case(id="fees", input="What are the fees of the bank?", expected="Ten."),
    Case(id="fees2", input="What are the fees of a bank?", expected="Ten, too."),
    Case(id="dogs", input="May dogs come along on trains?", expected="Yes."),
    Case(id="pay", input="What are the fees of managers?", expected="Secret.", metadata={"access": ["hr"]}),
    Case(id="open", input="When does the bank open?", expected="At nine."),
    Case(id="odd", input={"rows": 3}, expected="Three."),
    Case(id="unknown", input="What is the fee of what nobody said?"),
]
EVERYBODY = Reader(tenant="default")


class Letters:
    """Vectors by pairs of letters; counts what it was asked for."""

    fingerprint = "letters"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, texts, *, role="document") -> Embeddings:
        self.asked += texts
        data = array("f")
        for text in texts:
            row = [0.0] * 677
            for one, other in zip(text.lower(), text.lower()[1:], strict=False):
                if "a" <= one <= "z" and "a" <= other <= "z":
                    row[(ord(one) - 97) * 26 + ord(other) - 97] += 1.0
                else:
                    row[676] += 0.1
            length = sum(x * x for x in row) ** 0.5 or 1.0
            data.extend(x / length for x in row)
        return Embeddings(data.tobytes(), 677, 0)


def shots(cases=CASES, *, embed=None, vectors=None, **table) -> Shots:
    async def load():
        return cases

    return Shots(
        ExamplesTable(**{"dataset": "d@1", "least": 0.0, **table}),
        load=load,
        embed=embed or Letters(),
        count=lambda text: len(text.split()),
        vectors=vectors or Vectors(),
    )


async def test_the_examples_most_like_the_question_are_chosen_and_the_nearest_stands_last():
    found = await shots(top=2, variety=0).chosen("What are the fees of this bank?", EVERYBODY)

    assert {each.id for each in found.examples} == {"fees", "fees2"}
    assert found.facts["examples"][-1]["alike"] >= found.facts["examples"][0]["alike"]


async def test_variety_takes_something_else_in_the_place_of_the_same_again():
    found = await shots(top=2, variety=0.7).chosen("What are the fees of this bank?", EVERYBODY)

    assert len({"fees", "fees2"} & {each.id for each in found.examples}) == 1


async def test_what_is_forgotten_is_read_again_before_the_next_question():
    cases = list(CASES)
    asked = shots(cases, top=1, variety=0)
    before = await asked.chosen("When does this bank open?", EVERYBODY)

    cases[:] = [each for each in CASES if each.id != "open"]
    asked.forget()
    after = await asked.chosen("When does this bank open?", EVERYBODY)

    assert [each.id for each in before.examples] == ["open"]
    assert "open" not in {each.id for each in after.examples}


async def test_what_does_not_fit_its_room_is_left_out_and_told():
    long = Case(id="long", input="What are the fees of banks?", expected="word " * 500)

    found = await shots([*CASES, long], top=2, budget=20).chosen("What are the fees of banks, please?", EVERYBODY)

    assert "long" not in {each.id for each in found.examples}
    assert found.facts["examples_unfit"] == 1
    assert found.facts["example_tokens"] <= 20


async def test_a_question_is_never_its_own_example():
    found = await shots(top=5).chosen("what are the FEES of the bank", EVERYBODY)

    assert "fees" not in {each.id for each in found.examples}


async def test_nobody_is_shown_an_example_that_is_not_for_him():
    theirs = await shots(top=5).chosen("What are the fees of a manager?", EVERYBODY)
    ours = await shots(top=5).chosen("What are the fees of a manager?", Reader(tenant="default", groups=("hr",)))

    assert "pay" not in {each.id for each in theirs.examples}
    assert "pay" in {each.id for each in ours.examples}


async def test_a_vector_is_made_once_whichever_app_asks_for_it():
    embed, vectors = Letters(), Vectors()

    for _ in range(2):
        await shots(embed=embed, vectors=vectors).chosen("Fees?", EVERYBODY)

    assert sorted(embed.asked) == sorted([*(each.question for each in examples_of(CASES)), *["Fees?"] * 2])


async def test_vectors_outlast_the_process_and_what_callers_ask_is_not_kept():
    records = MemoryRecords()
    await shots(vectors=Vectors(records)).ready()
    await shots(vectors=Vectors(records)).chosen("Fees?", EVERYBODY)
    later = Letters()

    await shots(embed=later, vectors=Vectors(records)).chosen("Dogs?", EVERYBODY)

    assert later.asked == ["Dogs?"]
    assert len(await records.find("example_vector")) == len(list(examples_of(CASES)))


async def test_of_what_a_user_asked_no_vector_is_written_down():
    records = MemoryRecords()
    cases = [Case(id="hers", input="Where is my parcel?", expected="Here.", user="ann"), CASES[0]]

    await shots(cases, vectors=Vectors(records)).ready()

    assert len(await records.find("example_vector")) == 1


async def test_nothing_near_enough_is_no_example():
    found = await shots(least=0.999).chosen("zzz", EVERYBODY)

    assert found.examples == ()


def test_a_case_is_an_example_when_it_has_a_question_and_an_answer_in_words():
    assert [each.id for each in examples_of(CASES)] == ["fees", "fees2", "dogs", "pay", "open"]


def call(text: str, groups: tuple[str, ...] = ()) -> Call:
    caller = Caller(key="k", shown="k", tenant="default", groups=groups)
    request = Request(model="m", messages=(says("user", "Hi"), says("assistant", "Ho"), says("user", text)))
    return Call(
        id="0" * 32, app="a", definition="d", request=request, door=Door(shape="x"), started_ns=0, caller=caller
    )


async def test_examples_stand_behind_the_system_prompt_as_turns_and_in_the_trace():
    settings = PromptSettings(system=TextFile(path="s", text="Be kind."))

    made = await render(settings, None, shots(top=1))(call("What are the fees of this bank?"))

    assert [(each.role, each.text) for each in made.request.messages[:3]] == [
        ("system", "Be kind."),
        ("user", "What are the fees of the bank?"),
        ("assistant", "Ten."),
    ]
    assert made.request.messages[-1].text == "What are the fees of this bank?"
    assert made.notes["prompt"]["examples"][0]["case"] == "fees"


async def test_without_vectors_there_is_an_answer_without_examples():
    class Gone(Letters):
        async def __call__(self, texts, *, role="document"):
            raise Unavailable("upstream_connect", who="letters")

    made = await render(PromptSettings(), None, shots(embed=Gone()))(call("Fees?"))

    assert len(made.request.messages) == 3
    assert made.notes["prompt"]["examples_failed"] == "upstream_connect"
