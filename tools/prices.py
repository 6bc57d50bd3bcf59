"""Compile the price data of the `genai-prices` package into the snapshot that Rowen ships.

    python -m venv /tmp/prices && /tmp/prices/bin/pip install genai-prices
    /tmp/prices/bin/python tools/prices.py

Writes `src/rowen/provider/prices.json` (facts only: who, which model, how much, since when) and
`tests/provider/prices_expected.json` (costs as `genai-prices` itself computes them, to test ours against).
"""

import json
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import Usage, types
from genai_prices.data import providers

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("huggingface_", "github-copilot", "cursor", "quicksilverpro", "openai-decisions")
"""Resellers and subscriptions that no provider of ours is asked through."""

UNITS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
    "reasoning": "output_reasoning_mtok",
}


def main() -> None:
    """Write both files."""
    kept = [vendor for vendor in providers if not vendor.id.startswith(LEFT_OUT)]
    snapshot = {
        "snapshot": datetime.now(tz=UTC).date().isoformat(),
        "source": "genai-prices",
        "version": version("genai-prices"),
        "vendors": {vendor.id: compiled(vendor) for vendor in kept},
    }
    head, tail = json.dumps(snapshot, ensure_ascii=False).split('"vendors": {', 1)
    # One model a line, so that a new snapshot can be reviewed as a difference.
    text = head + '"vendors": {' + tail.replace('{"id":', '\n{"id":')
    (ROOT / "src/rowen/provider/prices.json").write_text(text + "\n", encoding="utf-8")
    cases = [case for vendor in kept for model in vendor.models for case in expected(vendor, model)]
    cases = sorted(random.Random(7).sample(cases, 500), key=str)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (ROOT / "tests/provider/prices_expected.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def compiled(vendor: types.Provider) -> dict[str, Any]:
    """Return one vendor's models; those without a price per input token are left out."""
    found: dict[str, Any] = {"models": []}
    if vendor.fallback_model_providers:
        found["fallback"] = vendor.fallback_model_providers
    for model in vendor.models:
        entries = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
        prices = [price(entry.constraint, vars(entry.prices)) for entry in entries]
        if not all(prices):
            continue
        line = {"id": model.id, "match": rule(model.match), "prices": prices}
        base = vars(entries[-1].prices if not entries[-1].constraint else model.get_prices(datetime.now(tz=UTC)))
        batch = [
            price(variant.constraint, {**base, **vars(variant.prices)})
            for variant in model.price_variants or ()
            if variant.when == {"processing": "batch"}
        ]
        if batch and all(batch):
            line["batch"] = batch
        found["models"].append(line)
    return found


def price(constraint: object, values: dict[str, Any]) -> dict[str, Any] | None:
    """Return one price as its JSON, None without a rate for input."""
    known = {name: values[unit] for name, unit in UNITS.items() if values.get(unit) is not None}
    if "input" not in known:
        return None
    found: dict[str, Any] = {name: text(base(value)) for name, value in known.items()}
    if fee := values.get("requests_kcount"):
        found["call"] = text(base(fee) / 1000)
    starts = sorted({t.start for v in known.values() if isinstance(v, types.TieredPrices) for t in v.tiers})
    if starts:
        found["tiers"] = [
            {"above": start, "rates": {name: text(above(value, start)) for name, value in known.items()}}
            for start in starts
        ]
    if isinstance(constraint, types.StartDateConstraint):
        midnight = datetime.combine(constraint.start_date, time(), UTC)
        found["since_ns"] = int(midnight.timestamp()) * 1_000_000_000
    elif isinstance(constraint, types.TimeOfDateConstraint):
        found["daily"] = [second(constraint.start_time), second(constraint.end_time)]
    return found


def base(value: Decimal | types.TieredPrices) -> Decimal:
    """Return the rate of a short prompt."""
    return value.base if isinstance(value, types.TieredPrices) else value


def above(value: Decimal | types.TieredPrices, start: int) -> Decimal:
    """Return the rate of a prompt just longer than `start`."""
    rate = base(value)
    if isinstance(value, types.TieredPrices):
        for tier in value.tiers:
            rate = tier.price if tier.start <= start else rate
    return rate


def text(amount: Decimal) -> str:
    """Return an amount without exponent and trailing zeros."""
    return f"{amount.normalize():f}"


def second(moment: time) -> int:
    """Return the second of the UTC day."""
    whole = datetime.combine(date(2026, 1, 1), moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return whole.hour * 3600 + whole.minute * 60 + whole.second


def rule(match: Any) -> dict[str, Any]:
    """Return a match rule as JSON: `equals`, `starts_with`, `ends_with`, `contains`, `regex`, `or`, `and`."""
    match match:
        case types.ClauseEquals():
            return {"equals": match.equals.lower()}
        case types.ClauseStartsWith():
            return {"starts_with": match.starts_with.lower()}
        case types.ClauseEndsWith():
            return {"ends_with": match.ends_with.lower()}
        case types.ClauseContains():
            return {"contains": match.contains.lower()}
        case types.ClauseRegex():
            return {"regex": match.regex}
        case types.ClauseOr():
            return {"or": [rule(part) for part in match.or_]}
        case types.ClauseAnd():
            return {"and": [rule(part) for part in match.and_]}
        case _:
            raise TypeError(f"a rule that the snapshot cannot hold: {match!r}")


USAGES: tuple[dict[str, int], ...] = (
    {"input_tokens": 1000, "output_tokens": 100},
    {"input_tokens": 250_001, "output_tokens": 4000, "cache_read_tokens": 200_000},
    {"input_tokens": 90_000, "output_tokens": 77, "cache_read_tokens": 12_345, "cache_write_tokens": 6789},
    {"input_tokens": 3000, "output_tokens": 500, "input_audio_tokens": 1200, "output_audio_tokens": 300},
    {"input_tokens": 17, "output_tokens": 900, "reasoning_tokens": 640},
)


def expected(vendor: types.Provider, model: types.ModelInfo) -> list[dict[str, Any]]:
    """Return costs of one model as the source computes them, for moments on both sides of its price changes."""
    entries = model.prices if isinstance(model.prices, list) else []
    days = [e.constraint.start_date for e in entries if isinstance(e.constraint, types.StartDateConstraint)]
    moments = [datetime(2026, 11, 23, 12, 30, tzinfo=UTC), datetime(2026, 11, 23, 23, 59, tzinfo=UTC)]
    for day in days:
        midnight = datetime.combine(day, time(), UTC)
        moments += [midnight - timedelta(seconds=1), midnight]
    cases: list[dict[str, Any]] = []
    if vendor.find_model(model.id) is not model:
        return cases  # its id is another one's, by the source's own rules
    for moment in moments:
        rates = vars(model.get_prices(moment))
        if rates.get("input_mtok") is None or rates.get("output_mtok") is None:
            continue
        for usage in USAGES:
            counted = dict(usage)
            if "reasoning_tokens" in counted:
                counted["output_reasoning_tokens"] = counted.pop("reasoning_tokens")
            try:
                found = model.calc_price(Usage(**counted), vendor, genai_request_timestamp=moment)
            except ValueError:
                continue  # the source cannot split this usage for this model
            cases.append(
                {
                    "vendor": vendor.id,
                    "model": model.id,
                    "at": moment.isoformat(),
                    "usage": usage,
                    "usd": str(found.total_price),
                }
            )
    return cases


if __name__ == "__main__":
    main()
