"""Data sets in files: our rows, and files that promptfoo and Inspect themselves read or wrote.

`inspect.json` and `inspect.eval` were written by Inspect 0.3.285 with its mock model; `promptfooconfig.yaml` and `more.csv`
were run by promptfoo 0.123.1 with its echo provider, whose tests are told below as it told them.
"""

import json
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.files import READS, WRITES, read, written
from rowen.evaluate.files import inspect as inspecting
from rowen.values import Case, Mistaken

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def file(tmp_path):
    """Writes a file."""

    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def refused(path, *, code="field_invalid", place="", match=None, shape="auto"):
    with pytest.raises(Mistaken, match=match) as caught:
        read(path, shape)
    assert (caught.value.code, caught.value.place) == (code, place or path.name)


def test_csv_jsonl_json_and_parquet_of_one_table_are_the_same_cases(file, tmp_path):
    rows = [
        {"id": "a", "question": "When?", "expected": "In May.", "user": "ann", "topic": "hay"},
        {"id": "b", "question": 'Why, "so"?\nTell me.', "expected": "Because.", "user": "bob", "topic": "dew"},
    ]
    csv = 'id,question,expected,user,topic\na,When?,In May.,ann,hay\nb,"Why, ""so""?\nTell me.",Because.,bob,dew\n'
    parquet = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM read_json(?)", [str(file("rows.json", json.dumps(rows)))])
        connection.execute(f"COPY t TO '{parquet}' (FORMAT parquet)")

    of_csv = read(file("rows.csv", "\ufeff" + csv))

    assert of_csv == read(file("rows.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"))
    assert of_csv == read(file("rows.json", json.dumps(rows)))
    assert of_csv == read(parquet)
    assert of_csv[1] == Case(
        id="b", input='Why, "so"?\nTell me.', expected="Because.", user="bob", metadata={"topic": "dew"}
    )


def test_a_row_without_an_id_has_the_same_one_each_time(file):
    path = file("rows.jsonl", '{"input": "When?", "expected": "In May."}\n')

    assert read(path) == read(path)
    assert len(read(path)[0].id) == 16


def test_columns_can_be_named(file):
    path = file("rows.csv", "frage,answer\nWann?,Im Mai.\n")

    (case,) = read(path, names={"input": "frage", "expected": "answer"})

    assert (case.input, case.expected, case.output, case.metadata) == ("Wann?", "Im Mai.", None, {})
    with pytest.raises(Mistaken, match="no field 'frage'"):
        read(path, names={"frage": "input"})


def test_a_long_field_with_a_separator_of_lines_in_it_is_one_field(file):
    (case,) = read(file("rows.csv", f"question,expected\nWhen?,In\u2028May{'.' * 200_000}\n"))

    assert case.expected == f"In\u2028May{'.' * 200_000}"


def test_what_was_answered_is_not_what_should_be(file):
    (case,) = read(file("rows.csv", "question,answer,reference\nWhen?,In June.,In May.\n"))

    assert (case.output, case.expected) == ("In June.", "In May.")


@pytest.mark.parametrize(
    ("name", "text", "code", "place", "match"),
    [
        (
            "a.csv",
            "question,expected\nWhen?,In May.,more\n",
            "field_invalid",
            "a.csv:2",
            "3 fields stand under 2 columns",
        ),
        ("a.csv", "question,question\nWhen?,Why?\n", "field_invalid", "a.csv:1", "name of its own"),
        ("a.csv", 'question\n"When?\n', "field_invalid", "a.csv:2", "no CSV"),
        ("a.csv", "topic\nhay\n", "field_invalid", "a.csv:2", "it has topic"),
        ("a.csv", b"question\n\xff\xfe\n", "utf8_invalid", "a.csv", "not UTF-8"),
        ("a.jsonl", '{"input": "x"}\n{"input": \n', "json_malformed", "a.jsonl:2", "no JSON"),
        ("a.jsonl", '{"input": "x"}\n[1]\n', "field_invalid", "a.jsonl:2", "one JSON object"),
        ("a.jsonl", '{"input": ""}\n', "field_invalid", "a.jsonl:1", "says nothing"),
        ("a.jsonl", '{"id": "1", "input": "x"}\n{"id": "1", "input": "y"}\n', "field_invalid", "a.jsonl:2", "twice"),
        ("a.json", '{"some": "thing"}', "field_invalid", "a.json", "no shape that is known"),
        ("a.json", "[" * 100_000, "json_too_deep", "a.json", "nested"),
        ("a.parquet", "PAR1 or not", "field_invalid", "a.parquet", "no Parquet"),
        ("a.yaml", "tests: [", "field_invalid", "a.yaml", "no YAML"),
        ("a.yaml", "a: &a [*a]\ntests: *a\n", "field_invalid", "a.yaml", "anchors"),
        ("a.yaml", "tests: file://make.py:tests\nprompts: []\n", "field_invalid", "a.yaml", "made by a program"),
        ("a.yaml", "tests: file://../../etc/passwd\nprompts: []\n", "field_invalid", "a.yaml", "does not lie beside"),
        ("a.yaml", "tests: 3\nprompts: []\n", "field_invalid", "a.yaml", "no list of tests"),
        (
            "a.yaml",
            "- vars: {a: [1,2,3,4,5,6,7,8,9,10,11], b: [1,2,3,4,5,6,7,8,9,10], c: [1,2,3,4,5,6,7,8,9,10]}\n",
            "field_invalid",
            "a.yaml, test 1",
            "1,100 tests",
        ),
        ("a.eval", "PK or not", "json_malformed", "a.eval", "no JSON"),
        ("a.eval", '{"version": 2, "eval": {}, "samples": []}', "field_invalid", "a.eval", "no samples"),
        (
            "a.eval",
            '{"version": 2, "eval": {}, "samples": [{"id": 1}]}',
            "field_invalid",
            "a.eval, sample 1",
            "no input",
        ),
        ("a.eval", '{"version": 2, "eval": {}, "samples": [3]}', "field_invalid", "a.eval, sample 1", "is an object"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(file, name, text, code, place, match):
    refused(file(name, text), code=code, place=place, match=match)


@given(st.binary(max_size=200), st.sampled_from([".csv", ".jsonl", ".json", ".yaml", ".eval"]))
def test_no_bytes_break_a_reader(tmp_path_factory, junk, end):
    path = tmp_path_factory.getbasetemp() / f"junk{end}"
    path.write_bytes(junk)

    try:
        found = read(path)
    except Mistaken as problem:
        assert problem.message
    else:
        assert all(case.input not in (None, "") for case in found)


def test_a_file_that_is_not_there_is_told(tmp_path):
    for name in ("a.csv", "a.parquet", "a.eval"):
        with pytest.raises(Mistaken) as caught:
            read(tmp_path / name)
        assert caught.value.code == "config_missing"


def test_promptfoos_tests_are_those_that_it_ran_itself():
    found = read(FIXTURES / "promptfooconfig.yaml")

    assert [case.metadata["vars"] for case in found] == [
        {"question": "When is hay dry?"},
        {"question": "How high is a bale?"},
        {"question": "How heavy is a bale?"},
        {"question": "Why do cows lie down?"},
        {"question": "Who milks?"},
    ]
    assert found[0].input == "Answer briefly: When is hay dry?"
    assert [case.expected for case in found if case.expected] == [
        "Answer briefly: When is hay dry?",
        "Answer briefly: Who milks?",
    ]
    assert found[3].metadata["assert"][1] == {"type": "icontains", "value": "cows"}
    assert [case.metadata.get("topic") for case in found] == ["hay", None, None, "cows", "milk"]


def test_what_is_written_for_promptfoo_is_read_as_it_was(file):
    first = read(FIXTURES / "promptfooconfig.yaml")

    again = read(file("tests.json", written(first, "promptfoo")))

    assert [(each.metadata["vars"], each.metadata["assert"]) for each in again] == [
        (each.metadata["vars"], each.metadata["assert"]) for each in first
    ]


def test_short_assertions_of_a_table_are_spelt_out(file):
    text = "question,__expected1,__expected2\nWhen?,contains: May,similar(0.8): in May\nWhat: how?,12:30,\n"

    one, two = read(file("tests.csv", text.replace("__expected1", "__expected")))

    assert one.metadata["assert"] == [
        {"type": "contains", "value": "May"},
        {"type": "similar", "value": "in May", "threshold": 0.8},
    ]
    assert (two.expected, two.input) == ("12:30", "What: how?")


def test_inspects_logs_are_read_in_both_of_their_forms():
    of_json, of_archive = read(FIXTURES / "inspect.json"), read(FIXTURES / "inspect.eval")

    assert sorted(of_json, key=lambda case: case.id) == sorted(of_archive, key=lambda case: case.id)
    by_id = {case.id: case for case in of_archive}
    assert {*by_id} == {"hay", "cows", "3"}
    assert by_id["cows"].expected == ["No", "They lie down"]
    assert by_id["cows"].input == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Do cows sleep standing?"},
    ]
    assert by_id["hay"].output == "Default output from mockllm/model"
    assert by_id["hay"].metadata["topic"] == "hay"
    assert by_id["hay"].metadata["epochs"] == [{"match": "I", "includes": "I"}] * 2


def test_contents_that_a_log_keeps_apart_are_put_back(file):
    sample = {
        "id": 1,
        "input": "attachment://abc",
        "target": "tc://def",
        "attachments": {"abc": "a long question"},
        "transcript": {"content": {"def": "a long answer"}},
    }
    text = json.dumps({"version": 2, "eval": {"task": "t"}, "samples": [sample]})

    (case,) = read(file("log.json", text))

    assert (case.input, case.expected) == ("a long question", "a long answer")


def test_a_sample_that_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "bomb.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/1_epoch_1.json", " " * (inspecting.LARGEST + 1))

    refused(path, code="body_too_large", match="64 MiB")


def test_a_cut_archive_is_told(file):
    whole = (FIXTURES / "inspect.eval").read_bytes()

    refused(file("cut.eval", whole[:500] + whole[900:]), match="cannot be unpacked")


def test_what_is_written_for_inspect_and_openai_has_their_fields():
    case = Case(id="1", input="When?", expected=["In May.", "In June."], metadata={"topic": "hay"})

    of_inspect, of_openai = (json.loads(written([case], shape)) for shape in ("inspect", "openai"))

    assert of_inspect == {"id": "1", "input": "When?", "target": ["In May.", "In June."], "metadata": {"topic": "hay"}}
    assert of_openai == {
        "input": [{"role": "user", "content": "When?"}],
        "ideal": ["In May.", "In June."],
        "metadata": {"id": "1", "topic": "hay"},
    }


def test_openais_samples_are_read_also_from_under_item(file):
    plain = {"input": [{"role": "user", "content": "When?"}], "ideal": "In May."}
    path = file(
        "samples.jsonl", f"{json.dumps(plain)}\n{json.dumps({'item': {'input': 'Why?', 'ideal': ['a', 'b']}})}\n"
    )

    one, two = read(path, "openai")

    assert (one.input, one.expected) == (plain["input"], "In May.")
    assert (two.input, two.expected) == ("Why?", ["a", "b"])


@given(
    st.lists(
        st.builds(
            Case,
            id=st.uuids().map(str),
            input=st.text(min_size=1, max_size=20)
            | st.dictionaries(st.text(max_size=4), st.integers(), min_size=1, max_size=2),
            expected=st.none() | st.text(min_size=1, max_size=9),
            metadata=st.dictionaries(st.sampled_from(["topic", "level"]), st.text(min_size=1, max_size=5), max_size=2),
            user=st.sampled_from(["", "ann"]),
            source=st.sampled_from(["", "trace", "review", "generator"]),
        ),
        max_size=5,
    )
)
def test_our_own_lines_come_back_as_they_were(tmp_path_factory, cases):
    path = tmp_path_factory.getbasetemp() / "ours.jsonl"
    path.write_bytes(written(cases))

    assert read(path) == cases


def test_a_source_of_another_kind_is_kept_beside(file):
    (case,) = read(file("a.csv", "question,source\nWhen?,almanac\n"))

    assert (case.source, case.metadata) == ("", {"source": "almanac"})


def test_every_shape_that_is_named_can_be_read_or_written():
    assert {*WRITES} <= {*READS}
    assert [written([], shape) for shape in WRITES if shape != "promptfoo"] == [b"", b"", b""]
