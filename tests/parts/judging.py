"""A desk with pictures that wait for review: rows and objects as the desk writes them, without a model."""

from __future__ import annotations

import io
import uuid
from functools import cache

from PIL import Image

from core import clock
from core.database import tasks
from core.database.engine import writing
from core.studio import Studio
from tests import products
from tests.database.rows import output_values, photo_values, task_values


@cache
def _small(data: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((320, 320))
        image.save(out, "WEBP", quality=80)
    return out.getvalue()


@cache
def _photo(name: str) -> bytes:
    return products.photo(name)


@cache
def picture(name: str, variant: int, size: int) -> bytes:
    data = products.white(name) if variant == 1 else products.styled(name, variant)
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.resize((size, size)).save(out, "JPEG", quality=90)
    return out.getvalue()


def add_pictures(
    desk: Studio, photos: int, *, each: int = 2, preset: str = "professional_photo", size: int = 800
) -> list[str]:
    """A task of `photos` photos with `each` finished pictures; returns the pictures' keys in their order.

    `size`: pixels of a picture's side.
    """
    names = list(products.NAMES)
    task = str(uuid.uuid4())
    keys: list[str] = []
    with writing(desk.engine) as connection:
        task_id = tasks.insert_task(connection, task_values(key=task, preset=preset, outputs=each))
        for n in range(photos):
            name = names[n % len(names)]
            sku, product = products.NAMES[name]
            source, stored = f"input/{task}/{uuid.uuid4()}.jpg", f"thumb/{task}/{uuid.uuid4()}.webp"
            desk.store.put(source, _photo(name), "image/jpeg")
            desk.store.put(stored, _small(_photo(name)), "image/webp")
            values = photo_values(
                task_id, position=n + 1, sku=f"{sku}-{n + 1:03}", product_name=product, object_key=source,
                thumb_key=stored, width=800, height=600, original_name=f"IMG_{2041 + n}.jpg",
            )  # fmt: skip
            (photo_id,) = tasks.insert_photos(connection, [values])
            for variant in range(1, each + 1):
                data = picture(name, variant, size)
                image, thumb = f"generated/{task}/{uuid.uuid4()}.jpg", f"thumb/{task}/{uuid.uuid4()}.webp"
                desk.store.put(image, data, "image/jpeg")
                desk.store.put(thumb, _small(data), "image/webp")
                row = output_values(
                    task_id, photo_id, variant=variant, state="succeeded", object_key=image, thumb_key=thumb,
                    content_type="image/jpeg", width=size, height=size, bytes=len(data), checks="done",
                    finished_at=clock.now(),
                )  # fmt: skip
                tasks.insert_outputs(connection, [row])
                keys.append(row["key"])
    return keys
