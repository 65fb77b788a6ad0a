"""Signature version 4 of S3 requests, checked as a server does; written from Amazon's description of it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Of a header or of a presigned link."""

    key: str
    date: str
    scope: str
    headers: str
    value: str
    expires: int | None
    """Seconds; None for a header."""

    @classmethod
    def of(cls, request: Seen) -> Signature | None:
        query, header = request.query, request.headers.get("authorization", "")
        if header.startswith("AWS4-HMAC-SHA256 "):
            parts = dict(part.strip().split("=", 1) for part in header.split(" ", 1)[1].split(","))
            credential, headers, value = parts["Credential"], parts["SignedHeaders"], parts["Signature"]
            date, expires = request.headers["x-amz-date"], None
        elif "X-Amz-Signature" in query:
            credential, headers = query["X-Amz-Credential"], query["X-Amz-SignedHeaders"]
            value, date, expires = query["X-Amz-Signature"], query["X-Amz-Date"], int(query["X-Amz-Expires"])
        else:
            return None
        key, _, scope = credential.partition("/")
        return cls(key=key, date=date, scope=scope, headers=headers, value=value, expires=expires)

    def made_with(self, secret: str, request: Seen) -> str:
        """The signature that `secret` gives."""
        query = sorted(
            (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
            for name, value in request.query.items()
            if name != "X-Amz-Signature"
        )
        named = ((name, request.headers.get(name, "")) for name in self.headers.split(";"))
        lines = [f"{name}:{' '.join(value.split())}\n" for name, value in named]
        payload = request.headers["x-amz-content-sha256"] if self.expires is None else "UNSIGNED-PAYLOAD"
        canonical = "\n".join(
            [
                request.method,
                request.path,
                "&".join(f"{name}={value}" for name, value in query),
                "".join(lines),
                self.headers,
                payload,
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        wanted = f"AWS4-HMAC-SHA256\n{self.date}\n{self.scope}\n{digest}"
        made = f"AWS4{secret}".encode()
        for part in (*self.scope.split("/"), wanted):
            made = hmac.digest(made, part.encode(), "sha256")
        return made.hex()
