"""The model that runs inside Rowen, asked by OpenAI's own client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from rowen.provider.weights import Folder, default_place
from rowen.testing.serving import serving
from rowen.values import Problem

pytestmark = [pytest.mark.compat, pytest.mark.local]

APP = """
[app]
name = "small"
[models.smol]
provider = "local"
model = "smollm2"
"""
SCHEMA = {
    "type": "object",
    "properties": {"animal": {"enum": ["cat", "dog", "bird"]}, "legs": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["animal", "legs"],
    "additionalProperties": False,
}
