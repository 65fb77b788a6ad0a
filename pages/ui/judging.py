"""Approve, reject, or take the judgement back, in a picture's drawer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core import review, studio
from core.errors import PackshotError
from core.model import Actor, Output, ReviewState
from core.review import Reason, Verdict
from pages.ui.hand import hand
from pages.ui.words import t


def judging(output: Output) -> None:
    """A picture that came. What another reviewer said since the drawer was drawn is not overwritten."""
    desk = studio.current()
    try:
        said = review.history_of(desk, output.key)
    except PackshotError:
        return  # The drawer shows what was read; the next press says what is wrong.
    seen = said[-1].id if said else None
    decide = partial(review.decide, desk, output.key, by=Actor.local(), seen=seen)
    with st.container(horizontal=True, vertical_alignment="center"):
        if output.review is not ReviewState.APPROVED:
            st.button(
                t("judge.approve"),
                icon=":material/check:",
                key="approve",
                on_click=_do,
                args=(partial(decide, Verdict.APPROVED),),
            )
        if output.review is not ReviewState.REJECTED:
            with st.popover(t("judge.reject"), icon=":material/close:", key="reject"):
                for reason in Reason:
                    st.button(
                        t(f"reason.{reason}"),
                        type="tertiary",
                        key=f"reject-{reason}",
                        on_click=_do,
                        args=(partial(decide, Verdict.REJECTED, reason=reason),),
                    )
        if output.review is not ReviewState.TO_REVIEW:
            st.button(
                t("judge.undo"),
                icon=":material/undo:",
                type="tertiary",
                key="undo",
                on_click=_do,
                args=(partial(review.undo, desk, output.key, by=Actor.local(), seen=seen),),
            )


def _do(verb: Callable[[], object]) -> None:
    try:
        verb()
    except PackshotError as error:
        hand().refused = error
