"""Sign-in of people: sessions in a signed cookie, tokens against forged forms, and the one-time link."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from rowen.access.act import Actor
from rowen.access.directory import Directory, Entry
from rowen.access.network import is_loopback
from rowen.access.record import Recorder
from rowen.access.secret import digest_of
from rowen.access.throttle import Throttle
from rowen.store.base import Counters
from rowen.values import Caller, Clock, Refused, Secret, Value

COOKIE = "rowen_session"
_NS = 1_000_000_000
_LASTS_NS = 12 * 3600 * _NS
_LINK_NS = 600 * _NS

V = TypeVar("V", bound=Value)


class Session(Value, frozen=True, kw_only=True):
    """One sign-in: by which key, and until when. It lives in the cookie; the server keeps only whether it was ended."""

    key: str
    issued_ns: int
    expires_ns: int
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request by somebody signed in. `csrf` is what the forms of their pages must send back."""

    session: Session
    entry: Entry
    csrf: str

    @property
    def caller(self) -> Caller:
        """Who it is."""
        return self.entry.caller


class _Link(Value, frozen=True, kw_only=True):
    key: str
    expires_ns: int
    nonce: str


class Sessions:
    """Signs people in and out, and knows them again.

    A session ends at its expiry, by `sign_out`, and at the moment its key is revoked, expires or is disabled, for the
    key is looked up at every request. Any worker that holds the same signing key understands every session.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        recorder: Recorder,
        counters: Counters,
        throttle: Throttle,
        signing: bytes,
        clock: Clock,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._directory = directory
        self._recorder = recorder
        self._counters = counters
        self._throttle = throttle
        self._signing = signing
        self._clock = clock
        self._entropy = entropy

    async def sign_in(self, secret: Secret, address: str) -> Session:
        """Return a new session for a key that has the scope `read` (or more).

        Raises:
            Refused: as `Directory.check`, or `sign_in_throttled`.

        """
        counted = await self._throttle.enter(address)
        try:
            entry = await self._directory.admit(digest_of(secret.reveal().strip()), address, "read")
        except Refused as refused:
            # At most as many lines as the throttle lets attempts through.
            await self._recorder.note(
                Actor(key="unknown", address=address), "sign_in.failed", tenant="", details={"code": refused.code}
            )
            raise
        await self._throttle.leave(counted)
        return await self._open(entry, address, "sign_in")

    def link(self, key_id: str) -> Secret:
        """Return the token of a link that signs a key in once, from this machine, within ten minutes."""
        expires = self._clock.now_ns() + _LINK_NS
        return Secret(self._signed(b"link", _Link(key=key_id, expires_ns=expires, nonce=self._nonce())))

    async def redeem(self, token: str, address: str) -> Session:
        """Return a new session for a one-time link.

        Raises:
            Refused: `sign_in_needed` when the token is forged, used or late; `key_network` when it is not used on the
                machine itself; or as `Directory.check`.

        """
        counted = await self._throttle.enter(address)
        link = self._opened(b"link", token, _Link)
        if not is_loopback(address):
            raise Refused("key_network", "the link works only on the machine itself")
        if self._clock.now_ns() >= link.expires_ns:
            raise Refused("sign_in_needed", "the link is older than ten minutes")
        entry = await self._directory.admit_id(link.key, address, "read")
        if not await self._counters.take(f"link:{link.nonce}", 1, 1, link.expires_ns):
            raise Refused("sign_in_needed", "the link was used already")
        await self._throttle.leave(counted)
        return await self._open(entry, address, "sign_in.link")

    async def visit(self, cookie: str, address: str) -> Visit:
        """Return who sends a cookie.

        Raises:
            Refused: `sign_in_needed` when there is no session or it is over.

        """
        if not cookie:
            raise Refused("sign_in_needed")
        session = self._opened(b"session", cookie, Session)
        if self._clock.now_ns() >= session.expires_ns:
            raise Refused("sign_in_needed", "the session is over")
        try:
            entry = await self._directory.admit_id(session.key, address, "read")
        except Refused as refused:
            raise Refused("sign_in_needed", f"the session is over: {refused.message}") from refused
        (ended,) = await self._counters.sums((_ended(session),))
        if ended:
            raise Refused("sign_in_needed", "the session was ended")
        return Visit(session=session, entry=entry, csrf=self._csrf(session))

    async def sign_out(self, session: Session, address: str) -> None:
        """End a session in every worker."""
        await self._counters.add(_ended(session), 1, session.expires_ns)
        entry = await self._directory.entry(session.key)
        if entry is not None:
            actor = Actor.of(entry, address)
            await self._recorder.note(actor, "sign_out", tenant=entry.key.tenant, target=session.key)

    def check_csrf(self, visit: Visit, presented: str) -> None:
        """Raise `Refused("csrf_failed")` unless a form or script sent the session's own token."""
        if not hmac.compare_digest(visit.csrf.encode(), presented.encode("utf-8", "replace")):
            raise Refused("csrf_failed")

    def cookie(self, session: Session, *, secure: bool) -> str:
        """Return the `Set-Cookie` value. `secure` when the page came by TLS, here or at a trusted proxy.

        `Lax`, not `Strict`: a link to a trace from a chat must find its reader signed in. Writing needs the token too.
        """
        value = self._signed(b"session", session)
        lasts = max(0, (session.expires_ns - self._clock.now_ns()) // _NS)
        return _cookie(value, lasts, secure=secure)

    @staticmethod
    def no_cookie(*, secure: bool) -> str:
        """Return the `Set-Cookie` value that removes the cookie."""
        return _cookie("", 0, secure=secure)

    async def _open(self, entry: Entry, address: str, act: str) -> Session:
        now = self._clock.now_ns()
        session = Session(key=entry.key.id, issued_ns=now, expires_ns=now + _LASTS_NS, nonce=self._nonce())
        await self._recorder.note(Actor.of(entry, address), act, tenant=entry.key.tenant, target=entry.key.id)
        return session

    def _csrf(self, session: Session) -> str:
        return _mac(self._signing, b"csrf", session.nonce.encode())

    def _nonce(self) -> str:
        return self._entropy(16).hex()

    def _signed(self, purpose: bytes, value: Value) -> str:
        body = urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=")
        return f"{body.decode()}.{_mac(self._signing, purpose, body)}"

    def _opened(self, purpose: bytes, text: str, type_: type[V]) -> V:
        body, _, mac = text.encode("ascii", "replace").partition(b".")
        if not hmac.compare_digest(_mac(self._signing, purpose, body).encode(), mac):
            raise Refused("sign_in_needed", "the session or link is not from here")
        return msgspec.json.decode(urlsafe_b64decode(body + b"=" * (-len(body) % 4)), type=type_)


def _ended(session: Session) -> str:
    return f"session_ended:{session.nonce}"


def _mac(key: bytes, purpose: bytes, body: bytes) -> str:
    """Return a signature that holds for one purpose only: a link can never stand in for a session."""
    return hmac.digest(key, purpose + b"\0" + body, "sha256").hex()


def _cookie(value: str, lasts: int, *, secure: bool) -> str:
    return f"{COOKIE}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
