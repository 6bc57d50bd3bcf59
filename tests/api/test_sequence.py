"""Tool calls in turn: nothing is lost, nothing is interleaved."""

import json

from hypothesis import given
from hypothesis import strategies as st

from rowen.api.sequence import InTurn
from rowen.values import CallArgs, Called, Finished, Fold, Said, Started


def ordered(events):
    order = InTurn()
    return [one for event in events for one in order.put(event)]


def answer(events):
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.answer()


@st.composite
def streams(draw):
    """Events of some calls whose arguments are cut anywhere and shuffled among one another, and text in between."""
    calls = draw(st.lists(st.dictionaries(st.text(max_size=4), st.integers(), max_size=2), max_size=4))
    queues = []
    for index, arguments in enumerate(calls):
        text = json.dumps(arguments)
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        queues.append([Called(index=index, id=f"c{index}", name="f"), *(CallArgs(index=index, text=p) for p in pieces)])
    said = draw(st.lists(st.text(min_size=1, max_size=3), max_size=3))
    queues.append([Said(text=text) for text in said])
    events = [Started(id="a", model="m")]
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        events.append(queue.pop(0))
    return [*events, Finished(reason="stop")]


@given(streams())
def test_no_call_begins_before_the_one_before_it_is_complete(events):
    now, text = None, ""
    for event in ordered(events):
        match event:
            case Called():
                assert now is None or isinstance(json.loads(text), dict)
                now, text = event.index, ""
            case CallArgs():
                assert event.index == now
                text += event.text
            case Said() | Finished():
                assert now is None or isinstance(json.loads(text), dict)
            case _:
                continue


@given(streams())
def test_every_call_and_every_word_is_still_there(events):
    before, after = answer(events), answer(ordered(events))

    def calls(found):
        return {part.id: part for part in found.choices[0].message.parts if hasattr(part, "arguments")}

    assert calls(before) == calls(after)
    assert before.text == after.text


def test_what_is_never_complete_waits_no_longer_than_the_end():
    events = [
        Called(index=0, id="a", name="f"),
        CallArgs(index=0, text='{"x"'),
        Called(index=1, id="b", name="g"),
        CallArgs(index=1, text="{}"),
        Finished(reason="length"),
    ]

    assert ordered(events) == events
