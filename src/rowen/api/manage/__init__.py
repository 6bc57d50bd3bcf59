"""The management API under `/api/`: keys, tenants, audit, traces, scores, models and definitions, as JSON."""

from rowen.api.manage.base import Manage
from rowen.api.manage.models import ModelState
from rowen.api.manage.routes import routes

__all__ = ["Manage", "ModelState", "routes"]
