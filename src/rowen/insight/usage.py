"""Providers' usage exports, read into one shape: tokens and requests by day and model, and what was billed.

OpenAI: pages of `/v1/organization/usage/completions|embeddings` and of `/v1/organization/costs`, and the dashboard's CSV
of the same fields. Anthropic: pages of `/v1/organizations/usage_report/messages` and `cost_report`, and the console's
CSV. Several pages may be put together in one JSON list. Times are UTC; OpenAI bills dollars, Anthropic's cost report
tells cents.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from rowen.insight.calendar import day_of
from rowen.values import Mistaken, Value, ns_of
from rowen.values.commas import lines_in

Provider = Literal["openai", "anthropic"]


class Exported(Value, frozen=True, kw_only=True):
    """What a provider says was used of one model on one day. `model` is empty where the export tells a sum only."""

    provider: Provider
    day_ns: int
    model: str = ""
    requests: int | None = None
    """None where the export does not say."""
    input_tokens: int = 0
    """With those from its cache."""
    cached_tokens: int = 0
    output_tokens: int = 0
    billed: Decimal | None = None
    """US dollars, where the export tells costs."""


def exported(text: bytes) -> list[Exported]:
    """Return the lines of an export, whichever it is.

    Raises:
        Mistaken: `field_invalid` when it is no export that is known, with the line or field that is wrong.

    """
    start = text.lstrip()[:1]
    if start in (b"{", b"["):
        try:
            pages = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise Mistaken("field_invalid", f"the export is not valid JSON: {error}", place="export") from None
        return [one for page in (pages if isinstance(pages, list) else [pages]) for one in _page(page)]
    try:
        return list(_csv(text.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise Mistaken("field_invalid", "the export is neither JSON nor UTF-8 text", place="export") from None
    except csv.Error as error:
        raise Mistaken("field_invalid", f"the export is no table of values: {error}", place="export") from None


def _page(page: Any) -> Iterator[Exported]:
    buckets = page.get("data") if isinstance(page, Mapping) else None
    if not isinstance(buckets, list):
        raise Mistaken("field_invalid", "a page of an export has a list under `data`", place="data")
    for number, bucket in enumerate(buckets):
        place = f"data[{number}]"
        if not isinstance(bucket, Mapping) or not isinstance(bucket.get("results"), list):
            raise Mistaken("field_invalid", "a bucket of an export has a list under `results`", place=place)
        for result in bucket["results"]:
            try:
                yield _result(bucket, result)
            except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation, OverflowError) as error:
                raise Mistaken(
                    "field_invalid", f"not as the provider's reference says: {error!r}", place=place
                ) from None


def _result(bucket: Mapping[str, Any], result: Mapping[str, Any]) -> Exported:
    if "starting_at" in bucket:
        return _of_anthropic(_day(bucket["starting_at"]), result)
    day = day_of(int(bucket["start_time"]) * 1_000_000_000)
    if "amount" in result:
        currency = str(result["amount"].get("currency", "usd")).lower()
        if currency != "usd":
            raise ValueError(f"costs are in {currency}, not in usd")
        # Such as `gpt-4.1-mini-2025-04-14, input`: one of several lines of a model.
        name = str(result.get("line_item") or "").partition(",")[0].strip()
        return Exported(provider="openai", day_ns=day, model=name, billed=Decimal(str(result["amount"]["value"])))
    return Exported(
        provider="openai",
        day_ns=day,
        model=str(result.get("model") or ""),
        requests=int(result["num_model_requests"]),
        input_tokens=int(result["input_tokens"]),
        cached_tokens=int(result.get("input_cached_tokens") or 0),
        output_tokens=int(result.get("output_tokens") or 0),
    )


def _of_anthropic(day: int, result: Mapping[str, Any]) -> Exported:
    if "amount" in result:
        return Exported(
            provider="anthropic",
            day_ns=day,
            model=str(result.get("model") or ""),
            billed=Decimal(str(result["amount"])) / 100,
        )
    read = int(result.get("cache_read_input_tokens") or 0)
    written = sum(int(tokens or 0) for tokens in (result.get("cache_creation") or {}).values())
    return Exported(
        provider="anthropic",
        day_ns=day,
        model=str(result.get("model") or ""),
        input_tokens=int(result["uncached_input_tokens"]) + read + written,
        cached_tokens=read,
        output_tokens=int(result["output_tokens"]),
    )


def _csv(text: str) -> Iterator[Exported]:
    reader = csv.DictReader(lines_in(text))
    columns = set(reader.fieldnames or ())
    if {"start_time", "input_tokens", "num_model_requests"} <= columns:
        read = _openai_row
    elif {"usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens"} <= columns:
        read = _anthropic_row
    else:
        raise Mistaken(
            "field_invalid",
            f"no usage export that is known has the columns {', '.join(sorted(map(str, columns)))[:200]!r}",
            place="line 1",
        )
    for row in reader:
        try:
            yield read(row)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Mistaken(
                "field_invalid", f"cannot read the line: {error!r}", place=f"line {reader.line_num}"
            ) from None


def _openai_row(row: Mapping[str, str]) -> Exported:
    begins = row["start_time"]
    return Exported(
        provider="openai",
        day_ns=day_of(int(begins) * 1_000_000_000) if begins.isdigit() else _day(begins),
        model=row.get("model") or "",
        requests=int(row["num_model_requests"]),
        input_tokens=int(row["input_tokens"]),
        cached_tokens=int(row.get("input_cached_tokens") or 0),
        output_tokens=int(row.get("output_tokens") or 0),
    )


def _anthropic_row(row: Mapping[str, str]) -> Exported:
    read = int(row.get("usage_input_tokens_cache_read") or 0)
    written = sum(int(row.get(f"usage_input_tokens_cache_write_{ttl}") or 0) for ttl in ("5m", "1h"))
    return Exported(
        provider="anthropic",
        day_ns=_day(row["usage_date_utc"]),
        model=row.get("model_version") or "",
        input_tokens=int(row["usage_input_tokens_no_cache"]) + read + written,
        cached_tokens=read,
        output_tokens=int(row["usage_output_tokens"]),
    )


def _day(text: str) -> int:
    found = datetime.fromisoformat(text)
    return day_of(ns_of(found if found.tzinfo else found.replace(tzinfo=UTC)))
