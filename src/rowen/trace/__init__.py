"""What happened: the record of every call, written off the hot path."""

from rowen.trace.base import Place, TraceSettings
from rowen.trace.buffer import Buffer
from rowen.trace.follow import Follow
from rowen.trace.mask import mask_of
from rowen.trace.step import record

__all__ = ["Buffer", "Follow", "Place", "TraceSettings", "mask_of", "record"]
