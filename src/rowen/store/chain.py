"""The hash chain of the audit log: each line bears the SHA-256 over itself and the line before."""

from hashlib import sha256

import msgspec

from rowen.values import AuditEntry

_encode = msgspec.json.Encoder(order="deterministic").encode


def chained(entry: AuditEntry, before: str) -> AuditEntry:
    """Return the entry with its `chain` set, given the chain of the line before (empty for the first)."""
    line = before.encode() + b"\n" + _encode(entry.but(chain=""))
    return entry.but(chain=sha256(line).hexdigest())
