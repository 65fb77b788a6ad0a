"""Presigned links that are the same text for an hour, on every replica."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from core.storage.links import KEPT, LIFE, STEP, disposition


class _HourlyAuth(S3SigV4QueryAuth):  # type: ignore[misc]  # botocore has no types.
    """Signs as of the full hour. The steps of `add_auth` are those of botocore's SigV4Auth."""

    def __init__(self, credentials: Credentials, clock: Callable[[], float]) -> None:
        super().__init__(credentials, "s3", "auto", expires=LIFE)
        self._clock = clock

    def add_auth(self, request: Any) -> None:
        hour = datetime.fromtimestamp(int(self._clock()) // STEP * STEP, tz=UTC)
        request.context["timestamp"] = hour.strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)
        wanted = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(wanted, request))


def presigner(
    base: str, access_key: str, secret_key: str, clock: Callable[[], float]
) -> Callable[[str, str | None], str]:
    """Makes the function from a key and a name to save it under (or None) to a link for GET.

    `base` is endpoint and bucket. A link is good for one to two hours.
    """
    auth = _HourlyAuth(Credentials(access_key, secret_key), clock)

    @lru_cache(KEPT)
    def signed(key: str, download: str | None, hour: int) -> str:
        params = {"response-content-disposition": disposition(download)} if download else {}
        request = AWSRequest(method="GET", url=f"{base}/{key}", params=params)
        auth.add_auth(request)
        return str(request.url)

    def presigned(key: str, download: str | None) -> str:
        return signed(key, download, int(clock()) // STEP)

    return presigned
