"""AWS Signature Version 4: what a request is signed with.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_PLAIN = "s3"


class Credentials(NamedTuple):
    """An AWS access key. Never shown: its repr holds the key's id only."""

    key_id: str
    secret: str
    token: str = ""

    @classmethod
    def of(cls, text: str) -> "Credentials | None":
        """Return what `KEY_ID:SECRET` or `KEY_ID:SECRET:TOKEN` says; None for a text without a colon."""
        key_id, colon, rest = text.partition(":")
        secret, _, token = rest.partition(":")
        return cls(key_id, secret, token) if colon else None

    def __repr__(self) -> str:
        return f"Credentials({self.key_id!r}, …)"


def signed(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    at: datetime,
) -> dict[str, str]:
    """Return the headers of a request with those added that sign it.

    Args:
        method: such as `POST`.
        url: with its path and query percent-encoded, as it is sent.
        headers: all of them are signed; names in lower case.
        body: as it is sent.
        credentials: whose signature it is.
        region: such as `eu-central-1`.
        service: the signing name, such as `bedrock`; `s3` is signed as that service wants it.
        at: the time of signing; AWS takes it within five minutes.

    """
    parts = urlsplit(url)
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    found = {**headers, "host": parts.netloc, "x-amz-date": moment}
    content = hashlib.sha256(body).hexdigest()
    if service == _PLAIN:
        found["x-amz-content-sha256"] = content
    if credentials.token:
        found["x-amz-security-token"] = credentials.token
    names = sorted(found)
    canonical = "\n".join((
        method,
        # Every service but S3 encodes the path a second time.
        (parts.path or "/") if service == _PLAIN else quote(parts.path or "/", safe="/-_.~"),
        _query(parts.query),
        *(f"{name}:{' '.join(found[name].split())}" for name in names),
        "",
        ";".join(names),
        content,
    ))  # fmt: skip
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret}".encode()
    for step in (moment[:8], region, service, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    found["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return found


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)
