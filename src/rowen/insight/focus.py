"""The book as a table that FinOps tools read: FOCUS 1.2, the FinOps Open Cost and Usage Specification.

https://focus.finops.org/focus-specification/v1-2/ — its mandatory columns are all there, with the conditional ones that
apply to calls of models. What is ours has the prefix `x_`, as the specification wants it. One line is one day's calls of
one combination. Costs that are unknown are no lines of 0: they are told by `x_UnknownPriceCalls` on a line whose tokens
are there and whose costs are 0 by the specification's rule that a cost must not be null.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TextIO

from rowen.insight.book import Day, Line
from rowen.insight.calendar import DAY_NS, month_of, next_month
from rowen.values import at

MANDATORY = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
)
CONDITIONAL = (
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "PricingCategory",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceSubcategory",
    "SkuId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
)
OURS = ("x_Calls", "x_FailedCalls", "x_InputTokens", "x_OutputTokens", "x_Purpose", "x_UnknownPriceCalls")
COLUMNS = (*MANDATORY, *CONDITIONAL, *OURS)

_PROVIDERS = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "azure": "Microsoft",
    "bedrock": "AWS",
    "gemini": "Google",
    "mistral": "Mistral AI",
}
_FREE = {"", "local", "echo"}


def export(days: Iterable[Day], account: str, to: TextIO) -> int:
    """Write the days as CSV with a head; return how many lines.

    Args:
        days: of the book.
        account: whose account it is, such as the name of the organisation.
        to: where to write.

    """
    writer = csv.writer(to, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for day in days:
        for line in day.lines:
            writer.writerow(_row(day, line, account))
            count += 1
    return count


def _row(day: Day, line: Line, account: str) -> Iterator[str]:
    name = _PROVIDERS.get(line.provider, line.provider) or "Rowen"
    cost, tokens = number(line.cost), number(Decimal(line.input_tokens + line.output_tokens))
    cells = {
        "BilledCost": cost,
        "BillingAccountId": account,
        "BillingAccountName": account,
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _time(next_month(day.start_ns)),
        "BillingPeriodStart": _time(month_of(day.start_ns)),
        "ChargeCategory": "Usage",
        "ChargeClass": "",  # null unless it corrects an earlier period
        "ChargeDescription": f"{line.calls} calls of {line.model or 'no model'} for {line.purpose}",
        "ChargePeriodEnd": _time(day.start_ns + DAY_NS),
        "ChargePeriodStart": _time(day.start_ns),
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceIssuerName": "Rowen" if line.provider in _FREE else name,
        "ListCost": cost,
        "PricingQuantity": tokens,
        "PricingUnit": "Tokens",
        "ProviderName": "Rowen" if line.provider in _FREE else name,
        "PublisherName": name,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{name} models",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": tokens,
        "ConsumedUnit": "Tokens",
        "PricingCategory": "Standard",
        "ResourceId": line.deployment,
        "ResourceName": line.deployment,
        "ResourceType": "Model deployment" if line.deployment else "",
        "ServiceSubcategory": "Generative AI",
        "SkuId": line.model,
        "SubAccountId": line.tenant,
        "SubAccountName": line.tenant,
        "Tags": json.dumps(_tags(line), sort_keys=True, ensure_ascii=False),
        "x_Calls": str(line.calls),
        "x_FailedCalls": str(line.failed),
        "x_InputTokens": str(line.input_tokens),
        "x_OutputTokens": str(line.output_tokens),
        "x_Purpose": line.purpose,
        "x_UnknownPriceCalls": str(line.unpriced),
    }
    for column in COLUMNS:
        yield safe(cells[column])


def number(value: Decimal) -> str:
    """Return a number in the specification's numeric format: plain, no exponent, no separators."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def safe(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (CWE-1236): names come from callers."""
    return f"'{text}" if text[:1] in {"=", "+", "@", "\t", "\r"} or (text[:1] == "-" and not _is_number(text)) else text


def _is_number(text: str) -> bool:
    return text.replace("-", "", 1).replace(".", "", 1).isdigit()


def _tags(line: Line) -> dict[str, str]:
    named = {
        "app": line.app,
        "key": line.key,
        "user": line.user,
        "feature": line.feature,
        "definition": line.definition,
        "release": line.release,
        "environment": line.environment,
    }
    return {name: value for name, value in named.items() if value}


def _time(ns: int) -> str:
    return at(ns).strftime("%Y-%m-%dT%H:%M:%SZ")
