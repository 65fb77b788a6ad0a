"""R2's addresses and names as people copy them from Cloudflare's pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOST = ".r2.cloudflarestorage.com"
"""The end of R2's S3 endpoints, of every account and jurisdiction."""


def bucket_name(value: str) -> str:
    """Raises ValueError with what the value should be."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value):
        raise ValueError("should be the bucket's name alone: 3 to 63 small letters, digits and hyphens")
    return value


def endpoint(url: str, bucket: str | None) -> str:
    """The endpoint without the bucket, which Cloudflare's page shows at its end.

    Raises ValueError with what the value should be.
    """
    base = url.removesuffix(f"/{bucket}") if bucket else url
    parts = urlsplit(base)
    extra = parts.path if (parts.hostname or "").endswith(_HOST) else ""
    if extra or parts.query or parts.fragment or parts.username:
        raise ValueError(
            f"should be https://ACCOUNT{_HOST} and nothing after it; the bucket goes into R2_BUCKET"
        )
    return base


def is_s3(public_url: str | None, endpoint: str | None) -> bool:
    """A public address that is the S3 endpoint, which answers a request without signature by an error."""
    public = urlsplit(public_url or "")
    host = public.hostname or ""
    return bool(host) and (host.endswith(_HOST) or public.netloc == urlsplit(endpoint or "").netloc)
