"""What people see of a stored answer: the picture itself, or a copy of it in the shape that was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from core import presets
from core.model import Task
from core.providers.sizes import expected, number
from core.storage.keys import fitted_key, thumb_key

Put = Callable[[str, bytes, str], None]


def show(task: Task, call_key: str, data: bytes, *, put: Put) -> dict[str, Any]:
    """Store the thumbnail, and where the shape is off a fitted copy; returns the output's values for them.

    The answer's own bytes stay as they are under their own key, which the call keeps. `notes` say what was
    done. Raises BadImage, and what `put` raises.
    """
    from core.images.fit import fit
    from core.images.picture import file_type, read_picture

    picture = read_picture(data)
    plain = any(preset.plain_background for preset in presets.all_presets() if preset.name == task.preset)
    fitted = fit(
        data,
        (picture.width, picture.height),
        ratio=number(task.ratio),
        asked=expected(task.ratio, task.size),
        plain=plain,
    )
    shown: dict[str, Any] = {"notes": dict(fitted.notes)}
    if fitted.data is not None:
        picture = read_picture(fitted.data)
        content_type, extension = file_type(fitted.data)
        object_key = fitted_key(task.key, call_key, extension)
        put(object_key, fitted.data, content_type)
        shown |= {
            "object_key": object_key,
            "content_type": content_type,
            "bytes": len(fitted.data),
            "sha256": hashlib.sha256(fitted.data).hexdigest(),
        }
    thumb = thumb_key(task.key, call_key)
    put(thumb, picture.thumb, "image/webp")
    return {
        **shown,
        "thumb_key": thumb,
        "thumb_bytes": len(picture.thumb),
        "width": picture.width,
        "height": picture.height,
    }
