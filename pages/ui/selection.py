"""Which pictures of History are selected: some by hand, or all that match; it stays while pages turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from pages.ui.address import Choice

MOST = 2_000
"""Pictures that can be selected by hand."""
_KEPT = "selection"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """`keys` of outputs, or `every` one that matches `of`."""

    of: Choice
    keys: tuple[str, ...] = ()
    every: bool = False
    edition: int = 0
    """Another number: the page decided, and what a browser says of the one before is late."""

    def __bool__(self) -> bool:
        return self.every or bool(self.keys)

    @property
    def data(self) -> dict[str, Any]:
        """For the gallery."""
        return {"edition": self.edition, "keys": self.keys, "every": self.every}


def selection(choice: Choice) -> Selection:
    """What is selected; another filter or order begins with nothing."""
    of = replace(choice, view="gallery")
    found: Selection | None = st.session_state.get(_KEPT)
    if found is None or found.of != of:
        found = Selection(of=of, edition=found.edition + 1 if found else 0)
        st.session_state[_KEPT] = found
    return found


def heard(said: Any) -> None:
    """Take what the gallery says. It comes from a browser: what has no meaning is left out."""
    found: Selection | None = st.session_state.get(_KEPT)
    if found is None or found.every or not isinstance(said, dict) or said.get("edition") != found.edition:
        return
    keys = [key for key in said.get("keys") or () if isinstance(key, str) and len(key) <= 36]
    _select(replace(found, keys=tuple(dict.fromkeys(keys))[:MOST]))


def keep(keys: tuple[str, ...]) -> None:
    """Select these and no other ones, as the table shows them marked already."""
    _select(replace(st.session_state[_KEPT], keys=keys[:MOST]))


def _select(selected: Selection) -> None:
    st.session_state[_KEPT] = selected
    st.rerun()  # The page, not the list alone: its bar says what is selected.


def ends(choice: Choice) -> bool:
    """Whether something is selected that another choice does not keep."""
    found: Selection | None = st.session_state.get(_KEPT)
    return bool(found and found.of != replace(choice, view="gallery"))


def choose_every() -> None:
    """Select all that match."""
    _decide(every=True)


def clear() -> None:
    """Select nothing."""
    _decide()


def _decide(*, every: bool = False) -> None:
    found: Selection = st.session_state[_KEPT]
    st.session_state[_KEPT] = replace(found, keys=(), every=every, edition=found.edition + 1)
