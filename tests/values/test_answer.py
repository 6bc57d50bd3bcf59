import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rowen.values import Answer, Audio, Choice, Declined, Fold, Message, Text, Thought, ToolCall, Usage, events_of

TEXT = st.text(min_size=1, max_size=20)
PARTS = st.one_of(
    st.builds(Text, text=TEXT),
    st.builds(ToolCall, id=TEXT, name=TEXT, arguments=TEXT),
    st.builds(Thought, text=TEXT, signature=TEXT),
    st.builds(Declined, text=TEXT),
)


def unlike_neighbours(parts: list) -> bool:
    """Two texts in a row would rightly become one."""
    return all(type(a) is not type(b) or isinstance(a, ToolCall | Thought) for a, b in itertools.pairwise(parts))


ANSWERS = st.builds(
    Answer,
    id=TEXT,
    model=TEXT,
    choices=st.lists(
        st.builds(
            Choice,
            message=st.builds(
                Message,
                role=st.just("assistant"),
                parts=st.lists(PARTS, max_size=4).filter(unlike_neighbours).map(tuple),
            ),
            reason=st.sampled_from(["stop", "length", "tool_calls"]),
        ),
        max_size=2,
    ).map(tuple),
    usage=st.builds(Usage, input_tokens=st.integers(0, 9), output_tokens=st.integers(0, 9)),
)


@given(ANSWERS)
def test_folding_its_events_gives_the_answer_back(answer: Answer):
    fold = Fold()
    for event in events_of(answer):
        fold.add(event)

    assert fold.answer() == answer


@given(ANSWERS)
def test_an_answer_survives_json(answer: Answer):
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer


def test_sound_is_gathered_into_one_part():
    answer = Answer(
        choices=(
            Choice(
                message=Message(role="assistant", parts=(Audio(id="a", data="AA", transcript="hi"),)), reason="stop"
            ),
        )
    )
    fold = Fold()
    for event in events_of(answer):
        fold.add(event)

    assert fold.answer() == answer
