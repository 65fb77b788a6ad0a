"""Making a picture once more: from the same photo, by the same order."""

from __future__ import annotations

from core import generation, history
from core.model import Actor, Order, Photo, Task, Upload
from core.studio import Studio


def make(studio: Studio, output_key: str, *, by: Actor) -> str:
    """The same photo with the same order as a new task of one picture; returns its key."""
    found = history.details(studio, output_key)
    upload = upload_of(studio, found.photo)
    return generation.submit(studio, [upload], order_of(found.task), by=by, again=True)


def upload_of(studio: Studio, photo: Photo) -> Upload:
    """A stored photo as an upload. Raises StorageError kinds."""
    data = studio.store.get(photo.object_key)
    return Upload(
        name=photo.original_name,
        data=data,
        sku=photo.sku,
        product_name=photo.product_name,
        description=photo.description,
    )


def order_of(task: Task) -> Order:
    """The order of a task, for one picture."""
    return Order(
        preset=task.preset,
        outputs=1,
        ratio=task.ratio,
        size=task.size,
        provider=task.provider,
        model=task.model,
        style=task.style,
        parameters=task.parameters,
    )
