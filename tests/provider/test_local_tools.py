import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.provider.local.tools import ToolForm, ToolReader, form_of
from rowen.values import CallArgs, Called, Mistaken, Request, Tool, ToolChoice, says

WEATHER = Tool(name="weather", schema={"type": "object", "properties": {"city": {"type": "string"}}})
ADD = Tool(
    name="add",
    schema={
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/number"}},
        "$defs": {"number": {"type": "integer"}},
    },
)
ASK = Request(model="m", messages=(says("user", "hello"),), tools=(WEATHER, ADD))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("mode", ["auto", "none"])
def test_a_free_choice_takes_no_form(mode):
    assert form_of(ASK.but(tool_choice=ToolChoice(mode=mode))) is None


def test_a_named_tool_is_asked_for_its_arguments_alone():
    form = form_of(ASK.but(tool_choice=ToolChoice(mode="named", name="weather")))

    assert form is not None
    assert form.schema == WEATHER.schema


def test_a_choice_that_names_no_tool_is_refused():
    with pytest.raises(Mistaken) as caught:
        form_of(ASK.but(tool_choice=ToolChoice(mode="named", name="other")))

    assert caught.value.place == "tool_choice"


def test_a_tool_of_another_vendor_is_refused():
    with pytest.raises(Mistaken) as caught:
        form_of(ASK.but(tools=(Tool(name="web_search", hosted={"type": "web_search"}),)))

    assert caught.value.code == "field_unsupported"


def test_references_of_a_tools_schema_move_with_it():
    form = form_of(ASK.but(tool_choice=ToolChoice(mode="required")))

    assert form is not None
    assert form.schema["$defs"]["t1"]["properties"]["a"] == {"$ref": "#/$defs/t1/$defs/number"}
    assert form.schema["$defs"]["t1"]["$defs"]["number"] == {"type": "integer"}


def test_a_schema_without_a_type_becomes_an_objects():
    assert ToolForm((Tool(name="now"),)).schema == {"type": "object"}


def test_the_tools_are_told_in_the_system_message_that_is_there():
    messages = ToolForm((WEATHER,)).instructed((says("system", "Be kind."), says("user", "hello")))

    assert [message.role for message in messages] == ["system", "user"]
    assert messages[0].text.startswith("Be kind.")
    assert "weather" in messages[0].text


def read(form: ToolForm, pieces: list[str]) -> tuple[str, str]:
    reader = ToolReader(form, "answer")
    events = [event for piece in pieces for event in reader.feed(piece)]
    names = [event.name for event in events if isinstance(event, Called)]
    assert len(names) == 1
    return names[0], "".join(event.text for event in events if isinstance(event, CallArgs))


@given(arguments=st.dictionaries(st.text(), JSON, max_size=4), indent=st.sampled_from([None, 1, 4]), data=st.data())
def test_a_call_is_read_the_same_however_it_is_cut(arguments, indent, data):
    text = json.dumps({"name": "add", "arguments": arguments}, indent=indent, ensure_ascii=False) + "\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    name, read_arguments = read(ToolForm((WEATHER, ADD)), pieces)

    assert name == "add"
    assert json.loads(read_arguments) == arguments


def test_a_single_tools_text_is_its_arguments():
    name, arguments = read(ToolForm((WEATHER,)), ['{"ci', 'ty": "Pa}ris"}'])

    assert (name, arguments) == ("weather", '{"city": "Pa}ris"}')


def test_a_call_that_breaks_off_gives_what_there_was():
    name, arguments = read(ToolForm((WEATHER, ADD)), ['{"name": "add", "arguments": {"a": 1'])

    assert (name, arguments) == ("add", '{"a": 1')
