"""The chain: assembles the live stages from a Definition and runs one Call through them."""

from rowen.flow.app import App, Apps
from rowen.flow.chain import AnswerStep, Chain, Step
from rowen.flow.walk import Walk

__all__ = ["AnswerStep", "App", "Apps", "Chain", "Step", "Walk"]
