"""An object store in a bucket of Cloudflare R2, through boto3; no other module imports it.

R2's own ways (measured, and of its documentation): the default checksum trailer of boto3 fails there, so
checksums are sent only where they are required; it answers no `Expect: 100-continue`, which costs a second
for each PUT; a bucket's token may list but not HEAD the bucket; an object is written at most once a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from core.errors import (
    BucketMissing,
    ObjectExists,
    ObjectMissing,
    StorageClockWrong,
    StorageDenied,
    StorageError,
    StorageKeyUnknown,
    StorageListDenied,
    StorageSecretWrong,
    StorageUnavailable,
)
from core.storage import Listing, ObjectInfo
from core.storage.keys import checked
from core.storage.links import LinkSigner

_PAGE = 1000
"""Keys in one listing or one deletion; R2 takes no more."""

_CACHED = {"private": "private, max-age=7200, immutable", "public": "public, max-age=86400, immutable"}
"""A key is never written twice, so a browser need not ask again while its link lives."""


class R2Store:
    """Objects in one bucket. Nothing is connected before it is needed. Threads may share it."""

    def __init__(
        self,
        *,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        signer: LinkSigner,
        delivery: Literal["presigned", "public", "proxy"] = "presigned",
        public_url: str | None = None,
        workers: int = 4,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`endpoint` and `public_url` end without a slash; `workers` threads use the store at once."""
        self.name = f"r2:{bucket}"
        self._endpoint = endpoint
        self._bucket = bucket
        self._keys = (access_key, secret_key)
        self._signer = signer
        self._public_url = public_url if delivery == "public" else None
        self._proxied = delivery == "proxy"
        self._cached = _CACHED["public" if self._public_url else "private"]
        self._workers = workers
        self._clock = clock
        self._making = threading.Lock()
        self._clients: dict[bool, Any] = {}
        self._presigned: Callable[[str, str | None], str] | None = None

    def put(self, key: str, data: bytes, content_type: str) -> None:
        with self._translated(checked(key)):
            client = self._client()
            try:
                client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=data,
                    ContentType=content_type,
                    CacheControl=self._cached,
                    IfNoneMatch="*",
                )
                return
            except client.exceptions.ClientError as exc:
                if _code(exc.response) != "PreconditionFailed":
                    raise
        # boto3 sends a PUT again when its answer is lost, and then meets its own success.
        if self.get(key) != data:
            raise ObjectExists(key)

    def get(self, key: str) -> bytes:
        with self._translated(checked(key)):
            return bytes(self._client().get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def head(self, key: str) -> ObjectInfo | None:
        with self._translated(checked(key)):
            client = self._client()
            try:
                found = client.head_object(Bucket=self._bucket, Key=key)
                return _info(key, found["ContentLength"], found)
            except client.exceptions.ClientError as exc:
                if _status(exc.response) not in (401, 403, 404):
                    raise
        try:
            # The answer to a HEAD has no code: a 404 may be the key or the bucket. A GET says which.
            with self._translated(key):
                answer = client.get_object(Bucket=self._bucket, Key=key, Range="bytes=0-0")
                answer["Body"].close()
        except ObjectMissing:
            return None
        return _info(key, answer["ContentRange"].rpartition("/")[2], answer)

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = _PAGE) -> Listing:
        start = {} if after is None else {"StartAfter": after}
        with self._translated():
            answer = self._client().list_objects_v2(
                Bucket=self._bucket, Prefix=prefix, MaxKeys=min(limit, _PAGE), **start
            )
        found = tuple(_info(o["Key"], o["Size"], o) for o in answer.get("Contents", ()))
        return Listing(objects=found, after=found[-1].key if answer["IsTruncated"] else None)

    def delete(self, keys: Sequence[str]) -> None:
        wanted = [{"Key": checked(key)} for key in keys]
        failed: deque[Mapping[str, Any]] = deque()
        for start in range(0, len(wanted), _PAGE):
            chunk = {"Objects": wanted[start : start + _PAGE], "Quiet": True}
            with self._translated():
                answer = self._client().delete_objects(Bucket=self._bucket, Delete=chunk)
            failed += answer.get("Errors", ())
        if failed:
            raise _meaning({"Error": failed[0], "ResponseMetadata": {}}, self._bucket, failed[0].get("Key"))

    def link(self, key: str, *, download: str | None = None) -> str:
        checked(key)
        if self._proxied:
            return self._signer.link(key, download=download)
        if self._public_url and not download:
            return f"{self._public_url}/{key}"
        if self._presigned is None:
            from core.storage.presigned import presigner

            self._presigned = presigner(f"{self._endpoint}/{self._bucket}", *self._keys, self._clock)
        return self._presigned(key, download)

    def probe(self) -> datetime | None:
        try:
            with self._translated():
                answer = self._client(patient=False).list_objects_v2(Bucket=self._bucket, MaxKeys=1)
        except StorageDenied as denied:
            if self._may_read():
                raise StorageListDenied(self._bucket) from denied
            raise
        return _date(answer)

    def _may_read(self) -> bool:
        """A key that may read is told that there is no such object; another one is refused."""
        try:
            self.get("probe")
        except ObjectMissing:
            return True
        except StorageError:
            return False
        return True

    def _client(self, *, patient: bool = True) -> Any:
        """One client for all threads: using one is thread-safe, making one is not.

        The patient one asks up to five times; the other is for a person or a load balancer who waits.
        """
        with self._making:
            if patient not in self._clients:
                self._clients[patient] = make_client(
                    self._endpoint, *self._keys, workers=self._workers, patient=patient
                )
            return self._clients[patient]

    @contextmanager
    def _translated(self, key: str | None = None) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as exc:
            raise _meaning(exc.response, self._bucket, key) from exc
        except BotoCoreError as exc:
            # Its text carries the address that was asked for; its name says enough.
            raise StorageUnavailable(type(exc).__name__) from exc


def make_client(
    endpoint: str, access_key: str, secret_key: str, *, workers: int, patient: bool = True
) -> Any:
    """A boto3 client as R2 needs it."""
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.handlers import add_expect_header

    config = Config(
        signature_version="s3v4",
        region_name="auto",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "total_max_attempts": 5 if patient else 2},
        connect_timeout=5 if patient else 3,
        read_timeout=30 if patient else 10,
        max_pool_connections=workers + 4,
        tcp_keepalive=True,
    )
    # What this machine is set up to do with Amazon is not for this store.
    unset = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    session = boto3.session.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        botocore_session=botocore.session.Session(session_vars=unset),
    )
    client = session.client("s3", endpoint_url=endpoint, config=config)
    client.meta.events.unregister("before-call.s3", add_expect_header)
    return client


def _info(key: str, size: str | int, answer: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(key=key, bytes=int(size), modified=answer["LastModified"].astimezone(UTC))


def _code(answer: Mapping[str, Any]) -> str:
    return str(answer["Error"].get("Code", ""))


def _status(answer: Mapping[str, Any]) -> int:
    return int(answer["ResponseMetadata"].get("HTTPStatusCode", 0))


def _date(answer: Mapping[str, Any]) -> datetime | None:
    date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date) if date else None


def _meaning(answer: Mapping[str, Any], bucket: str, key: str | None) -> StorageError:
    """What an S3 error says. The code counts, not the status: three kinds of refusal share 403."""
    match _code(answer):
        case "NoSuchKey" | "404" if key:
            return ObjectMissing(key)
        case "NoSuchBucket":
            return BucketMissing(bucket)
        case "Unauthorized" | "InvalidAccessKeyId":
            return StorageKeyUnknown()
        case "InvalidArgument" if "Credential" in str(answer["Error"].get("Message")):
            return StorageKeyUnknown()  # R2 says so of a key of another length than its own.
        case "SignatureDoesNotMatch":
            return StorageSecretWrong()
        case "AccessDenied":
            return StorageDenied(bucket)
        case "RequestTimeTooSkewed":
            date = _date(answer)
            off = None if date is None else abs(date.timestamp() - time.time())
            return StorageClockWrong(None if off is None else round(off / 60))
        case code:
            return StorageUnavailable(f"{_status(answer)} {code}".removeprefix("0 "))
