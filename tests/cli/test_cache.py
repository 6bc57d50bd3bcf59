import json

import pytest
from click.testing import CliRunner

from rowen.cli.cache import command
from rowen.values import Mistaken

APP = """
[app]
name = "a"

[models.fast]
provider = "echo"

[models.fast.cache]
ttl = "10m"
similar = { embed = "vectors", threshold = 0.9, pairs = "pairs.jsonl" }

[models.vectors]
provider = "echo"
"""
PAIRS = [
    {"one": "when does the office open", "other": "when does the office open please", "same": True},
    {"one": "how long is the leave", "other": "how long is the leave in 2024", "same": False},
]


def called(tmp_path, *arguments, pairs=PAIRS, app=APP):
    (tmp_path / "app.toml").write_text(app)
    (tmp_path / "pairs.jsonl").write_text("\n".join(json.dumps(pair) for pair in pairs))
    return CliRunner().invoke(command, ["calibrate", str(tmp_path / "app.toml"), *arguments])


def test_it_names_the_loosest_threshold_without_false_hits(tmp_path):
    told = called(tmp_path, "--json")

    found = json.loads(told.output)
    assert 0.6 <= found["threshold"] <= 0.9
    assert not found.get("proven")


def test_it_says_what_it_would_take_to_prove_the_budget(tmp_path):
    assert "not proven: that takes 736" in " ".join(called(tmp_path).output.split())


@pytest.mark.parametrize(
    ("pairs", "said"), [(["x"], "no pair"), ([{"one": "a"}], "no pair"), ([], "no pairs")], ids=["text", "half", "none"]
)
def test_a_file_that_has_no_pairs_is_told_with_its_line(tmp_path, pairs, said):
    told = called(tmp_path, pairs=pairs)

    assert isinstance(told.exception, Mistaken)
    assert said in str(told.exception)
    assert "pairs.jsonl" in told.exception.place


def test_an_app_without_such_a_cache_is_told_so(tmp_path):
    told = called(tmp_path, "--model", "vectors")

    assert isinstance(told.exception, Mistaken)
    assert "there are: fast" in str(told.exception)
