"""Let it out: versions, gates, and the log of what answered whom, when, and why."""

from rowen.release.desk import PRODUCTION, Releases
from rowen.release.ledger import Reason
from rowen.release.log import Fault
from rowen.release.version import Version

__all__ = ["PRODUCTION", "Fault", "Reason", "Releases", "Version"]
