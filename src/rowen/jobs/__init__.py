"""Work in the background that outlives its process: a queue, leases, remembered steps, and a worker."""

from rowen.jobs.base import Handler, Job, Later
from rowen.jobs.queue import Queue
from rowen.jobs.task import Halted, Task
from rowen.jobs.worker import Worker

__all__ = ["Halted", "Handler", "Job", "Later", "Queue", "Task", "Worker"]
