"""How providers reach their upstreams: one seam, one client, and the two framings of streams."""

from rowen.provider.transport.base import Reply, Transport
from rowen.provider.transport.client import HttpTransport
from rowen.provider.transport.eventstream import Frame, frames
from rowen.provider.transport.sse import Sse, sse

__all__ = ["Frame", "HttpTransport", "Reply", "Sse", "Transport", "frames", "sse"]
