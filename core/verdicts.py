"""The words of judging as types, and what a list of reviews comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.errors import PackshotError
from core.model import ReviewState


class Verdict(StrEnum):
    """What one act of a reviewer says."""

    APPROVED = "approved"
    REJECTED = "rejected"
    UNDONE = "undone"
    """The judgement before it is taken back."""


class Reason(StrEnum):
    """Why a picture is rejected; the words stand in the catalogues under `reason.{value}`."""

    COLOUR = "colour"
    LABEL_TEXT = "label_text"
    SHAPE = "shape"
    PARTS = "parts"
    BACKGROUND = "background"
    CROP = "crop"
    QUALITY = "quality"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Review:
    """One act on one output. Reviews are only ever added."""

    id: int
    key: str
    """The act's own; the same act sent twice is one review."""
    output_id: int
    at: datetime
    actor: str
    actor_name: str
    sitting: str
    """The page that judged, a uuid; "" for the command line and acts on many."""
    verdict: Verdict
    reason: Reason | None
    """Of the judgement that stands since then: an undo names the one that it leaves."""
    note: str
    act: str
    """The same for all reviews of one act: they are undone together."""
    channel: str | None
    override: str
    """Why it was approved for the channel although a blocking rule fails."""
    findings: Sequence[Mapping[str, Any]]

    def by_hand_of(self, actor: str, sitting: str) -> bool:
        return (self.actor, self.sitting) == (actor, sitting)


def review_of(row: Any, prefix: str = "") -> Review:
    """A row with the columns of the table `reviews`, each named after `prefix`, as a record."""
    values = {f.name: getattr(row, prefix + f.name) for f in fields(Review)}
    reason = values["reason"]
    values |= {"verdict": Verdict(values["verdict"]), "reason": Reason(reason) if reason else None}
    return Review(**values)


def standing(reviews: Iterable[Review]) -> list[Review]:
    """The judgements that stand, newest last, of all reviews of one output in their order.

    An undo takes the newest away. One that says the same again by the same hand, with a reason or a note,
    takes its place: both are undone at once.
    """
    stack: list[Review] = []
    for review in reviews:
        if review.verdict is Verdict.UNDONE:
            if stack:
                stack.pop()
            continue
        if stack and says_more(review, stack[-1]):
            stack.pop()
        stack.append(review)
    return stack


def says_more(row: Any, last: Any) -> bool:
    """Does `row` only add to what the same hand said with `last`? Reviews, or rows of them."""
    return (row.verdict, row.actor, row.sitting) == (last.verdict, last.actor, last.sitting)


def state_of(reviews: Iterable[Review]) -> ReviewState:
    """What all reviews of one output come to."""
    stack = standing(reviews)
    return ReviewState(stack[-1].verdict.value) if stack else ReviewState.TO_REVIEW


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which waiting pictures to show; each narrows."""

    preset: str | None = None
    sku: str | None = None
    """A whole SKU, as written or all in capitals or small letters."""
    task: str | None = None
    """A task's key."""
    flagged: bool = False
    mine: bool = False
    """Of tasks that the reviewer ordered."""
    held: bool = False
    """Also those that another reviewer looks at."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One picture as it is judged. Keys of objects are those of the store."""

    id: int
    key: str
    photo_key: str
    """Outputs of one photo are one unit and stand together."""
    task_key: str
    sku: str
    product_name: str
    original_name: str
    preset: str
    preset_version: int
    variant: int
    width: int
    height: int
    source_key: str
    source_thumb_key: str
    source_width: int
    source_height: int
    image_key: str
    thumb_key: str
    review: ReviewState
    last: Review | None
    held_by: str | None
    """Another reviewer's name who looks at this unit."""
    flagged: bool
    compared: str | None
    """What the fidelity check said of it; None while it has said nothing."""
    align: tuple[float, ...] | None
    """Source to result in fractions of the picture, as the fidelity check found it."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A stretch of the queue around the place. Counts are exact up to COUNT_LIMIT; one more means more."""

    items: tuple[Item, ...]
    position: int
    """Where the place stands among `items`; their number when nothing waits from there on."""
    waiting: int
    flagged: int
    mine: int
    further: bool
    """Filters together were tried on the oldest pictures only; more wait beyond."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One key press of a reviewer, as the page sends it."""

    seq: int
    key: str
    """A uuid of its own: sent twice it counts once."""
    output: str
    verdict: Verdict
    reason: Reason | None = None
    note: str = ""
    best: bool = False
    """Approve this one and reject the other outputs of its photo."""
    seen: int | None = None
    """The id of the newest review that the person saw; None when there was none."""
    sitting: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of an act: `reviews` were saved, or `error` says why not.

    A ReviewConflict carries in `other` what somebody else said; the act may be sent again, under a new key,
    with its id as `seen`.
    """

    act: Act
    reviews: tuple[Review, ...] = ()
    error: PackshotError | None = None
    other: Review | None = None


@dataclass(frozen=True, kw_only=True)
class Applied:
    """`ack` is the highest `seq` that was dealt with; None when there were no acts."""

    ack: int | None
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How a reviewer gets on. Pictures judged and taken back don't count."""

    today: int
    """Pictures judged since midnight of TIMEZONE, up to 1,000."""
    sitting: int
    per_minute: float | None
    """Of this sitting, without pauses of more than a minute; None before the second picture."""
