"""What people see of a stored answer: the picture itself, or a copy of it in the shape that was asked for."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.model import Task
from core.providers.sizes import expected, number
from core.storage.keys import fitted_key, thumb_key

Put = Callable[[str, bytes, str], None]

_AT_ONCE = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Answers that are drawn side by side: more would only keep the processor from what asks for the next."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """`width` and `height` in pixels are those of `fitted`, or of the answer where that is None."""

    fitted: bytes | None = field(repr=False)
    """A copy in the shape that was asked for, where the answer's is off."""
    thumb: bytes = field(repr=False)
    width: int
    height: int
    notes: Mapping[str, Any]
    """What was done."""


def draw(task: Task, data: bytes, *, plain: bool) -> Drawn:
    """Everything that is made of an answer; `plain`: on white. Raises BadImage."""
    from core.images.fit import fit
    from core.images.picture import read_picture

    with _AT_ONCE:
        picture = read_picture(data)
        fitted = fit(
            data,
            (picture.width, picture.height),
            ratio=number(task.ratio),
            asked=expected(task.ratio, task.size),
            plain=plain,
        )
        if fitted.data is not None:
            picture = read_picture(fitted.data)
        return Drawn(
            fitted=fitted.data,
            thumb=picture.thumb,
            width=picture.width,
            height=picture.height,
            notes=fitted.notes,
        )


def show(task: Task, call_key: str, drawn: Drawn, *, put: Put) -> dict[str, Any]:
    """Store what was drawn; returns the output's values for it.

    The answer's own bytes stay as they are under their own key, which the call keeps. Raises what `put`
    raises.
    """
    from core.images.picture import file_type

    shown: dict[str, Any] = {"notes": dict(drawn.notes)}
    if drawn.fitted is not None:
        content_type, extension = file_type(drawn.fitted)
        object_key = fitted_key(task.key, call_key, extension)
        put(object_key, drawn.fitted, content_type)
        shown |= {
            "object_key": object_key,
            "content_type": content_type,
            "bytes": len(drawn.fitted),
            "sha256": hashlib.sha256(drawn.fitted).hexdigest(),
        }
    thumb = thumb_key(task.key, call_key)
    put(thumb, drawn.thumb, "image/webp")
    return {
        **shown,
        "thumb_key": thumb,
        "thumb_bytes": len(drawn.thumb),
        "width": drawn.width,
        "height": drawn.height,
    }
