"""What a process does until it is killed."""

from __future__ import annotations

import time

from core import generation
from core.studio import open_studio
from tests.conftest import BY, order, upload
from tests.crash.points import Point, arm
from tests.parts.desks import Place

MODEL = "gemini-nano-banana-2.1"


def submit_and_work(place: Place, photo: bytes, key: str, point: Point) -> None:
    arm(point)
    with open_studio(place.settings()) as desk:
        generation.submit(desk, [upload(photo)], order(model=MODEL, ratio="1:1"), by=BY, key=key)
        time.sleep(30)


def recover(place: Place, point: Point) -> None:
    arm(point)
    with open_studio(place.settings()):
        time.sleep(30)
