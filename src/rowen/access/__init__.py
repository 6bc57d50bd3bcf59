"""Who calls: keys, tenants and users, the sign-in of people, and the record of every act upon them."""

from rowen.access.act import SYSTEM, Actor
from rowen.access.directory import Directory, Entry
from rowen.access.register import Made, Register, Wanted
from rowen.access.secret import digest_of, new_secret, shown_of
from rowen.access.session import COOKIE, Session, Sessions, Visit
from rowen.access.signing import signing_key
from rowen.access.step import identify
from rowen.access.throttle import Throttle

__all__ = [
    "COOKIE",
    "SYSTEM",
    "Actor",
    "Directory",
    "Entry",
    "Made",
    "Register",
    "Session",
    "Sessions",
    "Throttle",
    "Visit",
    "Wanted",
    "digest_of",
    "identify",
    "new_secret",
    "shown_of",
    "signing_key",
]
