"""What an operator has in hand: the photos of the next task, and what her last act led to."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.errors import PackshotError
from core.model import Description, Order


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A photo that can be used. It stays with the session until it is sent or removed."""

    name: str
    data: bytes = field(repr=False)
    small: str = field(repr=False)
    """A data URL for the tray."""
    sku: str = ""
    product_name: str = ""
    facts: Mapping[str, Any] | None = None
    """What a model said of it, before the fields of the page changed it."""
    edition: int = 0
    """Another number is other facts, in other fields."""


@dataclass(kw_only=True)
class Hand:
    """One for each session. A click stops a script at its next use of `st`, also of its session state; what
    an act has done is kept here without any, so that it is either not begun or wholly there."""

    photos: dict[str, Chosen] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    """Files of the uploader that were looked at."""
    not_taken: list[PackshotError | str] = field(default_factory=list)
    uploader: int = 0
    """Another number is another, empty uploader."""
    draft: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The key of the next task: pressed twice, it is one."""
    drawn: bool = False
    """The page stands as it is; a press before that is the same press again."""
    sending: threading.Lock = field(default_factory=threading.Lock)
    """Held while a press is sent. Streamlit begins the next run beside the one that still sends, and stops
    that one after it: a page that did not wait would stand there without the task."""
    task: str | None = None
    shown: bool = True
    """The address shows `task`."""
    refused: PackshotError | None = None
    agreed: frozenset[str] = frozenset()
    """What the press that was refused said yes to."""
    prefill: Order | None = None
    leave: bool = False
    """The photos changed somewhere else: Generate is to be shown."""
    asked: dict[str, Future[Description]] = field(default_factory=dict)
    """Photos that are being described."""
    asked_of: int = 0
    """How many were, when the last of them was asked for."""
    not_described: dict[str, PackshotError] = field(default_factory=dict)

    def sent(self, key: str) -> None:
        """After a press: the photos are stored, so let go of them and show the task."""
        self.photos, self.taken, self.not_taken = {}, set(), []
        self.asked, self.not_described = {}, {}
        self.uploader += 1
        self.draft = str(uuid.uuid4())
        self.task, self.shown = key, False


def hand() -> Hand:
    if "hand" not in st.session_state:
        st.session_state["hand"] = Hand()
    found: Hand = st.session_state["hand"]
    return found
