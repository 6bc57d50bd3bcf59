from rowen.flow.changed import UNTOLD, changed
from rowen.values import Call, Door, Request

CALL = Call(id="1", app="a", definition="d", request=Request(model="m"), door=Door(shape="internal"), started_ns=1)


def test_every_field_that_a_step_may_change_is_told_by_its_name_and_alone():
    fields = [name for name in Call.__struct_fields__ if name not in UNTOLD]

    told = [changed(CALL, CALL.but(**{name: object()})) for name in fields]

    assert told == [(name,) for name in fields]


def test_what_the_runner_itself_notes_is_not_told():
    other = CALL.but(**{name: object() for name in UNTOLD})

    assert changed(CALL, other) == ()
