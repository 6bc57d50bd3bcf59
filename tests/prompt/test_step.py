from rowen.config import TextFile
from rowen.prompt import PromptSettings, render
from rowen.values import Call, Door, Request, says

SETTINGS = PromptSettings(system=TextFile(path="s.md", text="Be brief.\n"))


def call(*messages) -> Call:
    return Call(
        id="0" * 32,
        app="a",
        definition="d",
        request=Request(model="m", messages=messages),
        door=Door(shape="internal"),
        started_ns=0,
    )


async def test_the_system_prompt_stands_before_the_callers_words():
    rendered = await render(SETTINGS)(call(says("user", "hi")))

    assert [(m.role, m.text) for m in rendered.request.messages] == [("system", "Be brief."), ("user", "hi")]


async def test_the_callers_own_system_message_stays_when_asked():
    rendered = await render(SETTINGS.but(when="absent"))(call(says("system", "mine"), says("user", "hi")))

    assert [m.text for m in rendered.request.messages] == ["mine", "hi"]


async def test_without_a_prompt_nothing_changes():
    before = call(says("user", "hi"))

    assert await render(PromptSettings())(before) is before
