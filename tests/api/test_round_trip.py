"""What a door writes, the same door reads back as the same message."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rowen.api.anthropic.messages import blocks_of
from rowen.api.openai.chat import message_object
from rowen.api.openai.items import output_of
from rowen.api.parse import anthropic, openai_chat, openai_responses
from rowen.values import Answer, Choice, Declined, Message, Text, Thought, ToolCall

text = st.text(min_size=1, max_size=8)
thoughts = st.builds(Thought, text=text, signature=text)
hidden = st.builds(Thought, hidden=text)
said = st.builds(Text, text=text)
calls = st.builds(
    ToolCall,
    id=text,
    name=text,
    arguments=st.dictionaries(text, st.integers(0, 9), max_size=2).map(
        lambda found: msgspec.json.encode(found).decode()
    ),
)


def choice(*parts):
    return Choice(message=Message(role="assistant", parts=parts), reason="stop")


def wire(found):
    return msgspec.json.decode(msgspec.json.encode(found))


@given(st.lists(thoughts, max_size=2), st.lists(said, max_size=1), st.lists(calls, max_size=3))
def test_chat(thinking, words, tools):
    parts = [*thinking, *words, *tools]
    if not parts:
        return
    made = choice(*parts)

    message = openai_chat.message_of(wire(message_object(made)))

    # A chat message always has a content; that of nothing said is empty.
    assert [part for part in message.parts if part != Text(text="")] == parts


@given(st.lists(st.one_of(thoughts, hidden, said, calls), min_size=1, max_size=6))
def test_anthropic(parts):
    made = choice(*parts)

    messages = anthropic._turn({"role": "assistant", "content": wire(blocks_of(made))})

    assert messages == (made.message,)


@given(st.lists(st.one_of(thoughts, hidden, said, calls, st.builds(Declined, text=text)), min_size=1, max_size=6))
def test_responses(parts):
    made = choice(*parts)

    items = wire(output_of(Answer(choices=(made,)), "x", signed=True))

    assert openai_responses.messages_of(items, "input") == (made.message,)
