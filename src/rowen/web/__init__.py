"""HTML doors: pages rendered on the server, one module per stage."""

from rowen.web.kept import Kept
from rowen.web.page import Services, Shown
from rowen.web.routes import routes

__all__ = ["Kept", "Services", "Shown", "routes"]
