"""How much: requests, tokens, money and calls at once; reserved before a call and settled after it."""

from rowen.limits.admission import Admission
from rowen.limits.base import AdmissionSettings, LimitsSettings, limits_of
from rowen.limits.estimate import Estimate, cost_of
from rowen.limits.meter import Meter
from rowen.limits.rules import rules_for
from rowen.limits.step import admit, settle

__all__ = [
    "Admission",
    "AdmissionSettings",
    "Estimate",
    "LimitsSettings",
    "Meter",
    "admit",
    "cost_of",
    "limits_of",
    "rules_for",
    "settle",
]
