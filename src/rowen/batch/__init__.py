"""Many requests put together: files of them, and batches that are answered in the background by the ordinary chain."""

from rowen.batch.base import ENDED, Batch, Holder
from rowen.batch.desk import KIND, Batches
from rowen.batch.file import File, Files, Room
from rowen.batch.lines import Line
from rowen.batch.work import Doorway, Work, WorkSettings

__all__ = [
    "ENDED",
    "KIND",
    "Batch",
    "Batches",
    "Doorway",
    "File",
    "Files",
    "Holder",
    "Line",
    "Room",
    "Work",
    "WorkSettings",
]
