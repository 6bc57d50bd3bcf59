"""The same questions with more and more passages: what is lost to distraction is told apart from what was not found."""

import json
from functools import partial

import pytest

from rowen.config import TextFile
from rowen.improve.tune import parted, read
from rowen.improve.tune.lengths import lengths
from rowen.improve.tune.report import lengthened
from rowen.improve.tune.space import point_of
from rowen.prompt import PromptSettings, render
from rowen.values import Answer, Choice, Mistaken, says

RENDER = render(PromptSettings(system=TextFile(path="p.md", text="Answer.")))


def counted(text):
    return len(text.split())


class Reader:
    """Answers rightly while it is given few enough passages, and else says the first words of the last one."""

    def __init__(self, rights, most=99, wavers=False):
        self.rights, self.most, self.wavers, self.asked = rights, most, wavers, 0

    async def __call__(self, number, request):
        self.asked += 1
        question = request.messages[-1].text
        right = next(answer for asked, answer in self.rights.items() if asked in question)
        text = right if len(request.passages) <= self.most else "something else altogether was said"
        if self.wavers and len(request.passages) > 2 and number == 1:
            text = "nobody knows what this one is about"
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
    parts = parted(read("\n".join(lines), world.documents, place="q"), held=0.5, seed="1")
    return parts.held_out, rights


@pytest.fixture
def measured(make_bench, world, asked):
    async def run(tops=(1, 4), **manner):
        bench, (questions, rights) = await make_bench(world, embed="words"), asked
        model = Reader(rights, **manner)
        point = point_of(bench.settings)
        return await lengths(
            bench,
            point,
            questions,
            tops=tops,
            repeats=2,
            count=counted,
            render=RENDER,
            ask=lambda number: partial(model, number),
        ), model

    return run


async def test_a_model_that_loses_its_thread_in_long_contexts_is_found_out(measured):
    found, model = await measured(most=2)

    short, long = found.rows
    assert (short.top, long.top) == (1, 4)
    assert long.tokens > short.tokens
    assert long.there.value >= short.there.value
    assert long.distracted.high < 0
    assert found.worst == long
    assert model.asked == 2 * 2 * found.questions


async def test_one_that_bears_them_is_not_accused_and_gains_what_is_found_more_often(measured):
    found, _ = await measured()

    assert found.worst is None
    assert all(each.repeatability.value == 1 for each in found.rows)
    assert found.rows[1].distracted.value == 0


async def test_one_that_wavers_in_long_contexts_repeats_itself_less_often_there(measured):
    found, _ = await measured(wavers=True)

    short, long = found.rows
    assert short.repeatability.value == 1
    assert long.repeatability.value < 0.5


async def test_the_report_says_from_where_on_answers_are_worse(measured):
    lost, _ = await measured(most=2)
    kept, _ = await measured()

    assert "From 4 passages on answers are worse beyond noise" in "\n".join(lengthened(lost))
    assert "No number of passages makes answers worse beyond noise" in "\n".join(lengthened(kept))


@pytest.mark.parametrize("tops", [(3,), (0, 3), (3, 3)])
async def test_numbers_that_compare_nothing_are_refused(measured, tops):
    with pytest.raises(Mistaken, match="two numbers of passages"):
        await measured(tops=tops)


async def test_without_right_answers_nothing_is_asked(make_bench, world):
    bench = await make_bench(world, embed="words")

    found = await lengths(
        bench, point_of(bench.settings), world.parts().held_out, count=counted, render=RENDER, ask=None
    )

    assert found is None
