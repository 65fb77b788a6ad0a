"""Review: one picture after another beside its source, judged by keys."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core import claiming, queueing, review, studio
from core.errors import PackshotError
from core.model import Actor
from core.verdicts import Item, Queue, Result, Review, Verdict, Wanted
from pages.ui import navigation
from pages.ui.compare import Heard, compare, heard
from pages.ui.export import export_dialog
from pages.ui.shell import heading, section, title_row
from pages.ui.trouble import show
from pages.ui.waiting import clear, ignored, more, pills, wanted, with_held
from pages.ui.words import preset_name, t, words

BACK, AHEAD, LEAST = 2, 20, 6
"""Pictures that the component knows, and those ahead at which it is given more: a reviewer is quicker than a
slow server answers."""
CLAIM = 15.0
"""Seconds after which a picture that is still looked at is claimed again."""
FRESH = 5.0
"""Seconds for which a stretch of the queue is not read again while it lasts."""
HEAD = 10.0
"""Seconds for which the numbers above the component stay as they are."""
KEY = "compare"


@dataclass
class Sitting:
    """One session at this page. `ack` is the last act that was taken, `results` what became of those that
    were not simply saved, by the act's key; `view` the filters of what is drawn; `stands` while the component
    does: it stays when all is judged."""

    ack: int = 0
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    view: str = ""
    stands: bool = False
    claimed: tuple[str | None, float] = (None, 0.0)
    queue: Queue | None = None
    at: float = 0.0
    """When the queue was read."""
    whole: bool = False
    """It was read in this run, and the component is to have it."""
    said: Heard = field(default_factory=Heard)
    """What the browser said last."""
    error: PackshotError | None = None
    head: tuple[list[int], float] = ([], 0.0)
    """The numbers above the component, and when they were drawn."""

    def read(self, queue: Queue, view: str, *, stands: bool) -> None:
        self.queue, self.view, self.stands = queue, view, stands
        self.at, self.whole = time.monotonic(), True

    def standing(self, place: str | None) -> Item | None:
        """The picture at `place`, while what was read of the queue is fresh and goes on well behind it."""
        items = self.queue.items if self.queue else ()
        at = next((n for n, item in enumerate(items) if item.key == place), len(items))
        if len(items) - at <= LEAST or time.monotonic() - self.at > FRESH:
            return None
        return items[at]

    def numbers(self) -> list[int]:
        return [self.queue.waiting, self.queue.flagged, self.queue.mine] if self.queue else []

    def headed(self) -> None:
        self.head = self.numbers(), time.monotonic()

    def outdated(self) -> bool:
        """Other numbers hold. While somebody judges, they are drawn now and then only."""
        numbers, at = self.head
        ended = self.queue is not None and self.queue.position == len(self.queue.items)
        return self.numbers() != numbers and (ended or time.monotonic() - at > HEAD)


def take(sitting: Sitting, said: Heard, by: Actor) -> bool:
    """Apply what is new, in order; True when all of it was saved. Raises DatabaseError kinds; nothing is
    acknowledged then."""
    before = len(sitting.results)
    acts = [act for act in said.acts if act.seq > sitting.ack]
    if acts:
        for result in review.apply(desk, acts, by=by).results:
            if result.error is not None:
                sitting.results[result.act.key] = _told(result, result.error)
    saved = len(sitting.results) == before
    sitting.results = dict(list(sitting.results.items())[-50:])
    sitting.ack = max(sitting.ack, said.last)
    return saved


def claim(sitting: Sitting, item: Item | None, by: Actor, session: str) -> None:
    """Say that this picture, and with it those of its photo, are looked at; or none any more."""
    photo, at = sitting.claimed
    now = time.monotonic()
    if item is None:
        if photo:
            claiming.release(desk, by=by, sitting=session)
        sitting.claimed = (None, 0.0)
    elif item.photo_key != photo or now - at > CLAIM:
        claiming.claim(desk, item.key, by=by, sitting=session)
        sitting.claimed = (item.photo_key, now)


def _told(result: Result, error: PackshotError) -> dict[str, Any]:
    """What the page says of an act that was not saved."""
    act, other = result.act, result.other
    told: dict[str, Any] = {"act": act.key, "id": act.output, "say": spoken(error)}
    told["mine"] = {"verdict": act.verdict, "reason": act.reason, "note": act.note, "best": act.best}
    if other is not None:
        told["other"] = {"id": other.id, "by": other.actor_name or other.actor, "verdict": _state(other)}
        told["other"] |= {"reason": other.reason, "note": other.note}
    return told


def spoken(error: PackshotError) -> str:
    """A component shows text as it is: the marks of code are Markdown's."""
    return words().sentence(error.kind, error.data, zone=desk.settings.zone).replace("`", "")


def _state(last: Review) -> str:
    return "to_review" if last.verdict is Verdict.UNDONE else last.verdict.value


def card(item: Item, by: Actor, sitting: str) -> dict[str, Any]:
    last = item.last
    made: dict[str, Any] = {
        "id": item.key,
        "photo": item.photo_key,
        "sku": item.sku,
        "name": item.product_name or item.original_name,
        "look": preset_name(item.preset),
        "source": desk.link(item.source_key),
        "small": desk.link(item.source_thumb_key),
        "image": desk.link(item.image_key),
        "thumb": desk.link(item.thumb_key),
        "width": item.width,
        "verdict": item.review.value,
        "align": item.align,
        "held": item.held_by,
        "flagged": item.flagged,
        "compared": item.compared,
    }
    if last is not None:
        made |= {"seen": last.id, "reason": last.reason, "note": last.note}
        if not last.by_hand_of(by.id, sitting):
            made["by"] = last.actor_name or last.actor
    return made


def nothing(asked: Wanted, total: int) -> None:
    """No picture to judge: there is none, none meets the filters, or others look at all of them."""
    with st.container(height=420, border=False, horizontal_alignment="center", vertical_alignment="center"):
        if total:
            section(t("review.others"), align="center")
            st.caption(t("review.others_say"), text_alignment="center")
            again = st.button(
                t("compare.held_too"), icon=":material/group:", key="review-held-too", on_click=with_held
            )
        elif asked == Wanted():
            section(t("review.none_title"), align="center")
            st.caption(t("review.none"), text_alignment="center")
            st.page_link(navigation.page("generate"))
            again = False
        else:
            section(t("history.no_match"), align="center")
            again = st.button(
                t("history.clear"), icon=":material/filter_list_off:", key="review-all", on_click=clear
            )
        if again:
            st.rerun()


def look(sitting: Sitting, asked: Wanted) -> None:
    """Take what was said, and read the queue around the picture that is looked at."""
    by, said, view = Actor.local(), heard(KEY), repr(asked)
    sitting.said, sitting.error, sitting.whole = said, None, False
    try:
        taken = take(sitting, said, by)
        item = sitting.standing(said.place) if view == sitting.view and said.have and taken else None
        if item is None:
            place = said.place if view == sitting.view else None
            queue = queueing.queue(
                desk, asked, by=by, sitting=said.sitting, place=place, back=BACK, ahead=AHEAD
            )
            stood = sitting.stands and view == sitting.view and bool(said.sitting)
            sitting.read(queue, view, stands=stood or bool(queue.items))
            item = queue.items[queue.position] if queue.position < len(queue.items) else None
        if said.sitting:
            claim(sitting, item, by, said.sitting)
    except PackshotError as error:
        sitting.error = error


def drawn(queue: Queue, asked: Wanted, by: Actor, sitting: str) -> dict[str, Any]:
    """A stretch of the queue as the component takes it."""
    items = [card(item, by, sitting) for item in queue.items]
    return {
        "items": items,
        "place": items[queue.position]["id"] if queue.position < len(items) else None,
        "total": total(queue, asked),
        "most": queueing.COUNT_LIMIT,
        "further": queue.further,
    }


def total(queue: Queue, asked: Wanted) -> int:
    return queue.flagged if asked.flagged else queue.mine if asked.mine else queue.waiting


@st.fragment
def judge(sitting: Sitting, asked: Wanted, fresh: list[bool]) -> None:
    """`fresh` holds one thing while the page has just looked; the runs after that look for themselves."""
    again = not fresh
    fresh.clear()
    if again:
        look(sitting, asked)
    error, queue, said = sitting.error, sitting.queue, sitting.said
    if error is not None and not sitting.stands:
        show(error)
    elif queue is not None and not sitting.stands:
        nothing(asked, total(queue, asked))
    elif queue is not None:
        by = Actor.local()
        data: dict[str, Any] = {"who": by.id, "view": sitting.view, "ack": sitting.ack, "beat": said.beat}
        data |= {"trouble": spoken(error) if error else None, "results": list(sitting.results.values())}
        if sitting.whole:
            data |= drawn(queue, asked, by, said.sitting)
        asks = compare(data, key=KEY)
        if asks == "export":
            export_dialog()
        elif asks == "held":
            with_held()
            st.rerun()
    if again and sitting.outdated():
        st.rerun()  # The whole page, with the numbers that hold.


def main() -> None:
    sitting: Sitting = st.session_state.setdefault("review-sitting", Sitting())
    sitting.at = 0.0  # A page that is drawn anew has it all.
    try:
        asked = wanted()
    except PackshotError as error:
        heading(t("review.title"))
        show(error)
        return
    look(sitting, asked)
    with title_row(t("review.title"), width="content"):
        pills(sitting.queue)
        more()
    sitting.headed()
    if say := ignored():
        st.warning(say, icon=":material/link_off:")
    judge(sitting, asked, [True])


desk = studio.current()
main()
