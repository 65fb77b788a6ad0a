"""Opening a link as a browser does: without any credentials."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import StorageUnavailable


@dataclass(frozen=True, kw_only=True)
class Opened:
    status: int
    content_type: str
    data: bytes = field(repr=False)


def open_link(url: str) -> Opened:
    """What a GET of `url` answers, whatever its status. Raises StorageUnavailable when nothing does."""
    import httpx

    try:
        answer = httpx.get(url, timeout=10, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise StorageUnavailable(type(exc).__name__) from exc
    kind = answer.headers.get("content-type", "")
    return Opened(status=answer.status_code, content_type=kind, data=answer.content)
