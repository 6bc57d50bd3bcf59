"""The chain: assembles the live stages from a Definition and runs one Call through them."""

from rowen.flow.app import App, Apps
from rowen.flow.chain import Chain
from rowen.flow.walk import Walk

__all__ = ["App", "Apps", "Chain", "Walk"]
