import json

import pytest

from rowen.config import TextFile
from rowen.improve.tune import Space, parted, read, tuned
from rowen.improve.tune.prompts import agreement, wordings
from rowen.improve.tune.report import markdown
from rowen.improve.tune.space import CHOICES, point_of
from rowen.prompt import PromptSettings, render
from rowen.values import Answer, Choice, SystemClock, says


def worded(text):
    return render(PromptSettings(system=TextFile(path="p.md", text=text)))


RENDERS = {"now": worded("Answer."), "exact.md": worded("Answer exactly."), "chatty.md": worded("Answer and chat.")}


class Obedient:
    """Says the first words of its first source, and more or less as its prompt says."""

    def __init__(self, rights):
        self.rights, self.asked = rights, 0

    async def __call__(self, request):
        self.asked += 1
        system, question = request.messages[0].text, request.messages[-1].text
        right = next(answer for asked, answer in self.rights.items() if asked in question)
        said = {"exactly": right, "chat": f"{right} {'lovely weather outside today friend ' * 6}"}
        text = next((each for word, each in said.items() if word in system), right.split()[0])
        return Answer(choices=(Choice(message=says("assistant", text), reason="stop"),))


@pytest.fixture
def asked(world):
    lines, rights = [], {}
    for each in world.lines:
        line = json.loads(each)
        document = next(one for one in world.documents if one.uri.endswith(line["documents"][0]))
        line["answer"] = " ".join(document.text.split()[:5])
        rights[line["question"]] = line["answer"]
        lines.append(json.dumps(line))
    return parted(read("\n".join(lines), world.documents, place="q"), held=0.5, seed="1"), Obedient(rights)


async def test_the_wording_that_answers_better_is_found_and_proven_on_what_was_held_out(make_bench, world, asked):
    bench, (parts, model) = await make_bench(world, embed="words"), asked

    found = await wordings(bench, point_of(bench.settings), parts, RENDERS, count=len, ask=model)

    assert found.winner == "exact.md"
    assert found.proven
    assert found.rows[0].prompt == "exact.md"
    assert found.after.value > found.before.value


async def test_without_right_answers_nothing_is_asked(make_bench, world, asked):
    bench, (_, model) = await make_bench(world, embed="words"), asked

    found = await wordings(bench, point_of(bench.settings), world.parts(), RENDERS, count=len, ask=model)

    assert found is None
    assert model.asked == 0


async def test_what_an_app_has_wins_where_all_wordings_do_the_same(make_bench, world, asked):
    bench, (parts, model) = await make_bench(world, embed="words"), asked
    same = {"now": RENDERS["now"], "other.md": worded("Answer!")}

    found = await wordings(bench, point_of(bench.settings), parts, same, count=len, ask=model)

    assert (found.winner, found.proven) == ("now", False)


async def test_the_report_tells_how_prompts_compare(make_bench, world, asked):
    bench, (parts, model) = await make_bench(world, embed="words"), asked
    nothing = Space(**dict.fromkeys(CHOICES, ()))
    found = await tuned(bench, nothing, parts, clock=SystemClock())

    told = markdown(found, "docs", worded=await wordings(bench, found.winner, parts, RENDERS, count=len, ask=model))

    assert "## Which prompt answers better" in told
    assert "| exact.md |" in told
    assert "It is better, beyond noise." in told


@pytest.mark.parametrize(
    ("reference", "answer", "value"),
    [("twelve weeks", "twelve weeks", 1.0), ("twelve weeks", "parking spaces", 0.0), ("twelve weeks", "", 0.0)],
)
def test_agreement_is_by_words(reference, answer, value):
    assert agreement(reference, answer) == value
