"""How an app is written: one TOML file → a typed, hashed Definition. Knows no stage by name."""

from rowen.config.describe import json_schema, lines
from rowen.config.kinds import Duration, TextFile, TextFiles
from rowen.config.layers import layered
from rowen.config.read import Loaded, Table, kept, read

__all__ = ["Duration", "Loaded", "Table", "TextFile", "TextFiles", "json_schema", "kept", "layered", "lines", "read"]
