"""What may become knowledge: junk and copies stay out with their reason, and what tries to give orders is marked."""

from rowen.retrieve.gate.alike import Alike, Print, print_of
from rowen.retrieve.gate.gate import Gate, Judged

__all__ = ["Alike", "Gate", "Judged", "Print", "print_of"]
