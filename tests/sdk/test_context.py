"""W3C Trace Context, level 2: what comes in, what goes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rowen
from rowen.sdk.context import Remote, parsed, written

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-03"


def test_a_header_is_read():
    assert parsed({"traceparent": GOOD}) == Remote(int(TRACE, 16), int(SPAN, 16), 3)


@pytest.mark.parametrize(
    "headers",
    [
        {"Traceparent": GOOD},
        {b"traceparent": GOOD.encode()},
        [(b"TraceParent", GOOD.encode()), (b"host", b"x")],
        [("traceparent", f" {GOOD}\t")],
        {"HTTP_TRACEPARENT": GOOD},
        {"PATH": "/bin", "TRACEPARENT": GOOD},
    ],
)
def test_headers_come_in_many_forms(headers):
    found = parsed(headers)

    assert found is not None
    assert f"{found.trace:032x}" == TRACE


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        GOOD.upper().replace("00-", "00-", 1),
        GOOD.replace("00-", "ff-", 1),
        f"{GOOD}-more",
        f"{GOOD} x",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"0-{TRACE}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
    ],
)
def test_what_breaks_the_specification_is_as_if_it_had_not_come(value):
    assert parsed({"traceparent": value, "tracestate": "a=b"}) is None


def test_two_parents_are_none():
    assert parsed([("traceparent", GOOD), ("Traceparent", GOOD)]) is None


def test_a_later_version_is_read_as_far_as_it_is_known():
    assert parsed({"traceparent": f"cc-{TRACE}-{SPAN}-ff-what-comes-then"}) == Remote(int(TRACE, 16), int(SPAN, 16), 3)


@pytest.mark.parametrize(("came", "goes"), [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("fd", "01")])
def test_only_flags_that_are_known_go_on(came, goes):
    found = parsed({"traceparent": f"00-{TRACE}-{SPAN}-{came}"})

    assert found is not None
    assert written(found.trace, found.id, found.flags, "")["traceparent"].endswith(f"-{goes}")


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        (" a=1 ,\tb=2,, ", "a=1,b=2"),
        ("a@b=1", "a@b=1"),
        ("A=1", ""),
        ("a=1,a=2", ""),
        ("a", ""),
        ("a=b=c", ""),
        (",".join(f"k{number}=1" for number in range(33)), ""),
        (f"long={'x' * 200},short=1,{','.join(f'k{n:02}={n:010}' for n in range(29))}", None),
    ],
)
def test_states_of_others_go_on_unless_they_break_the_specification(came, goes):
    found = parsed({"traceparent": GOOD, "tracestate": came})

    assert found is not None
    if goes is None:
        assert len(found.state) <= 512
        assert "long=" not in found.state
        assert "short=1" in found.state
    else:
        assert found.state == goes


def test_states_in_several_headers_are_one():
    found = parsed([("traceparent", GOOD), ("tracestate", "a=1"), ("tracestate", "b=2")])

    assert found is not None
    assert found.state == "a=1,b=2"


@given(st.integers(1, (1 << 128) - 1), st.integers(1, (1 << 64) - 1), st.integers(0, 3))
def test_what_is_written_is_read(trace, span, flags):
    assert parsed(written(trace, span, flags, "a=1")) == Remote(trace, span, flags, "a=1")


@given(st.text())
def test_no_text_breaks_the_reader(text):
    parsed({"traceparent": text, "tracestate": text})
    parsed({"traceparent": GOOD, "tracestate": text})


def test_headers_lead_from_one_process_into_another(linked):
    with rowen.span("here") as span:
        sent = rowen.headers()

    with rowen.continued(sent), rowen.span("there"):
        passed = rowen.headers()

    assert rowen.flush()
    here, there = linked.span("here"), linked.span("there")
    assert sent == {"traceparent": f"00-{span.trace_id}-{span.span_id}-03"}
    assert (there.trace, there.parent) == (here.trace, here.id)
    assert passed["traceparent"] == f"00-{here.trace}-{there.id}-03"
    assert there.flags == 0x303  # sampled, random, and the parent is in another process
    assert here.flags == 0x103


def test_a_trace_that_the_caller_does_not_record_is_not_recorded_here_but_goes_on(linked):
    with rowen.continued({"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=1"}), rowen.span("silent") as span:
        span.set(output="x")
        sent = rowen.headers()
    with rowen.span("told"):
        pass

    assert rowen.flush()
    assert [each.name for each in linked.spans()] == ["told"]
    assert sent == {"traceparent": f"00-{TRACE}-{span.span_id}-00", "tracestate": "a=1"}
    assert span.span_id != SPAN


def test_a_state_is_sent_on_and_stored(linked):
    with rowen.continued({"traceparent": GOOD, "tracestate": "a=1"}), rowen.span("there"):
        assert rowen.headers()["tracestate"] == "a=1"

    assert rowen.flush()
    assert linked.span("there").state == "a=1"


@pytest.mark.parametrize("headers", [{}, {"traceparent": "nonsense"}, 7, None, [("a",)]])
def test_headers_that_name_no_trace_change_nothing(linked, headers):
    with rowen.continued(headers), rowen.span("alone"):
        pass

    assert rowen.headers() == {}
    assert rowen.flush()
    assert linked.span("alone").parent == ""
