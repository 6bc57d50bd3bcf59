"""What of a span reaches the disk: masks, keyed hashes for users, and no content where an app wants none."""

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from rowen.trace.base import TraceSettings
from rowen.trace.intake import content
from rowen.trace.intake.names import NOWHERE, USERS, place_of
from rowen.trace.mask import Mask, mask_of, mask_texts
from rowen.values import Observed, Score, Secret

HASHED = "user-"
"""What a hashed user begins with, so that a page can tell it from a name."""

PREVIEW = TraceSettings().preview
"""Characters of input and output in a row, unless an app wants more or fewer."""

SettingsOf = Callable[[str], TraceSettings | None]
"""The `[trace]` table of an app by its name; None for one that is not served here."""


def user_hash(key: Secret | None) -> Callable[[str], str]:
    """Return a function that gives a user under another name, always the same one; without a key, the user as it is.

    HMAC-SHA256 (RFC 2104), of which 80 bits are kept: a keyless hash of an e-mail address could be guessed by trying.
    """
    if key is None:
        return lambda user: user
    secret = key.reveal().encode()

    def hashed(user: str) -> str:
        if not user or user.startswith(HASHED):
            return user
        return HASHED + hmac.new(secret, user.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:20]

    return hashed


class Policy:
    """Applied to every span before it is stored.

    Args:
        of_app: an app's own `[trace]` table.
        default: for spans of programs that are not apps of this server.
        user: gives the name under which a user is kept.

    """

    def __init__(self, of_app: SettingsOf, default: TraceSettings, user: Callable[[str], str]) -> None:
        self._of_app = of_app
        self._default = default
        self._user = user
        mask_of(default)  # a pattern that is none is said at start

    def __call__(self, seen: Observed) -> Observed:
        """Return what may be kept of a span."""
        settings = self._of_app(seen.row.app) or self._default
        if seen.row.user:
            seen = self._with_user(seen)
        if settings.content == "none":
            return _figures(seen)
        mask = _mask(settings)
        if mask is not None:
            return _masked(seen, mask, settings.preview)
        return seen if settings.preview == PREVIEW else _previewed(seen, settings.preview)

    def judged(self, score: Score, app: str) -> Score:
        """Return what may be kept of a judgement."""
        settings = self._of_app(app) or self._default
        if settings.content == "none":
            return score.but(reason="", metadata={})
        mask = _mask(settings)
        if mask is None:
            return score
        return score.but(
            reason=mask(score.reason),
            value=mask(score.value) if isinstance(score.value, str) else score.value,
            metadata=mask_texts(score.metadata, mask),
        )

    def _with_user(self, seen: Observed) -> Observed:
        user = self._user(seen.row.user)
        if user == seen.row.user:
            return seen
        attributes = {
            name: self._user(str(value)) if name in USERS else value for name, value in seen.span.attributes.items()
        }
        return seen.but(row=seen.row.but(user=user), span=seen.span.but(attributes=attributes))


@lru_cache(maxsize=256)
def _mask(settings: TraceSettings) -> Mask | None:
    return mask_of(settings)


def _masked(seen: Observed, mask: Mask, preview: int) -> Observed:
    row, span = seen.row, seen.span
    asked, said = mask_texts(seen.input, mask), mask_texts(seen.output, mask)
    return Observed(
        row=row.but(
            name=mask(row.name),
            session=mask(row.session),
            user=mask(row.user),
            tags=tuple(map(mask, row.tags)),
            input=content.preview(asked, "user", preview),
            output=content.preview(said, "assistant", preview),
        ),
        span=span.but(
            name=mask(span.name),
            message=mask(span.message),
            attributes=mask_texts(span.attributes, mask),
            events=tuple(each.but(attributes=mask_texts(each.attributes, mask)) for each in span.events),
            links=tuple(each.but(attributes=mask_texts(each.attributes, mask)) for each in span.links),
        ),
        input=asked,
        output=said,
    )


def _previewed(seen: Observed, length: int) -> Observed:
    asked, said = content.preview(seen.input, "user", length), content.preview(seen.output, "assistant", length)
    return seen.but(row=seen.row.but(input=asked, output=said))


def _figures(seen: Observed) -> Observed:
    """A span without what was said in it: its row, and the attributes that are numbers or fill the row."""
    row, span = seen.row, seen.span
    return Observed(
        row=row.but(input="", output=""),
        span=span.but(
            message="",
            attributes={name: value for name, value in span.attributes.items() if _plain(name, value)},
            events=tuple(
                each.but(attributes={k: v for k, v in each.attributes.items() if k == "exception.type"})
                for each in span.events
            ),
            links=tuple(each.but(attributes={}) for each in span.links),
        ),
    )


def _plain(name: str, value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return True
    place = place_of(name)
    return (
        place is not NOWHERE
        and bool(place.field)
        and place.field not in {"input", "output", "instructions", "status_message"}
    )
