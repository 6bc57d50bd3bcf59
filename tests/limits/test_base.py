from pathlib import Path

import msgspec
import pytest

from rowen.config import Table, read
from rowen.limits import LimitsSettings, limits_of
from rowen.limits.base import AdmissionSettings, assumed_price
from rowen.values import Mistaken


def loaded(folder: Path, text: str) -> LimitsSettings:
    (folder / "app.toml").write_text(text, encoding="utf-8")
    return read(folder / "app.toml", {"limits": Table(kind=LimitsSettings, default=LimitsSettings())}).tables["limits"]


def test_every_way_to_write_a_limit_is_read_from_a_file(tmp_path):
    settings = loaded(
        tmp_path,
        """
        [limits]
        per_user = ["20/min", "500/day"]
        per_key = "100/min"
        tokens = { per_user = "200k/day", per_feature = { summarise = "1M/month" } }
        budget = "5 EUR/day"
        concurrency = { per_app = 32, per_feature = { summarise = 2 } }
        rates = { EUR = "1.09" }
        """,
    )

    found = {(one.measure, one.per, one.window, one.only): int(one.amount) for one in limits_of(settings)}

    assert found == {
        ("requests", "user", "minute", ""): 20,
        ("requests", "user", "day", ""): 500,
        ("requests", "key", "minute", ""): 100,
        ("tokens", "user", "day", ""): 200_000,
        ("tokens", "feature", "month", "summarise"): 1_000_000,
        ("money", "app", "day", ""): 5,
        ("concurrency", "app", "now", ""): 32,
        ("concurrency", "feature", "now", "summarise"): 2,
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('per_user = "20/minit"', "per_user: unknown window \"minit\" in '20/minit'"),
        ('tokens = { per_key = "many" }', "tokens.per_key: cannot read 'many'"),
        ('budget = "5 EUR/day"', 'add rates = { EUR = "1.09" }'),
        ('rates = { EUR = "0" }', "the rate of EUR must be above zero"),
        ("concurrency = { per_key = 0 }", "concurrency.per_key: 0 calls at once"),
        ("prompt_tokens = 0", "prompt_tokens must be above zero"),
        ('unknown_price = "assume:much"', "none of"),
        ('per_usr = "20/min"', 'did you mean "per_user"'),
    ],
)
def test_a_mistake_is_named_with_the_key_and_the_text(tmp_path, line, says):
    with pytest.raises(Mistaken) as caught:
        loaded(tmp_path, f"[limits]\n{line}\n")

    assert says in caught.value.message
    assert "app.toml" in caught.value.place


def test_the_policy_for_unknown_prices_is_read():
    prices = [assumed_price(LimitsSettings(unknown_price=text)) for text in ("refuse", "count_zero", "assume:10")]

    assert prices == [None, 0, 10]


def test_the_settings_make_a_schema_and_survive_json():
    settings = LimitsSettings(tokens="1k/day", per_feature={"a": "1/min"})

    again = msgspec.json.decode(msgspec.json.encode(settings), type=LimitsSettings)

    assert again == settings
    assert msgspec.json.schema(LimitsSettings)["$defs"]["LimitsSettings"]["properties"]["budget"]


def test_a_process_must_have_a_place():
    with pytest.raises(ValueError, match="in_flight"):
        AdmissionSettings(in_flight=0)
