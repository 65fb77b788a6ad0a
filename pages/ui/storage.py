"""The card of System that says how much is stored, how it grows and what R2 charges for it."""

from __future__ import annotations

import streamlit as st

from core import stored, studio
from core.errors import PackshotError
from core.stored import Stored
from pages.ui import marks
from pages.ui.words import plain, t, together

_UNITS = ("B", "kB", "MB", "GB", "TB")


def storage_card() -> None:
    """Nothing when the database does not answer: its own line says it."""
    try:
        found = stored.stored(studio.current())
    except PackshotError:
        return
    with st.container(border=True, key="stored"):
        st.markdown(f"**{t('stored.title')}**")
        if not found.objects:
            st.caption(t("stored.none"))
            return
        st.table(_rooms(found), border="horizontal")
        st.caption(together(_said(found)))
        more = st.expander(t("stored.growth"), key="stored-growth", on_change="rerun")
        if more.open:
            with more:
                rows = [{"name": f"{day:%Y-%m-%d}", "bytes": size} for day, size in found.weeks]
                say = t("stored.growth_say")
                st.caption(say)
                st.altair_chart(marks.growth(rows), key="chart-growth", alt=say)


def size(number: int) -> str:
    """Bytes with three figures and their decimal unit, as R2 counts."""
    power, value = 0, float(number)
    while value >= 999.5 and power < len(_UNITS) - 1:
        power, value = power + 1, value / 1000
    return f"{value:.3g} {_UNITS[power]}" if value < 999.5 else f"{value:,.0f} {_UNITS[power]}"


def _rooms(found: Stored) -> dict[str, list[str]]:
    rooms = [*((t(f"stored.{room.name}"), room.objects, room.bytes) for room in found.rooms)]
    rooms.append((t("stored.whole"), found.objects, found.bytes))
    return {
        t("stored.what"): [name for name, _, _ in rooms],
        t("stored.objects"): [f"{n:,}" for _, n, _ in rooms],
        t("stored.size"): [size(n) for _, _, n in rooms],
    }


def _said(found: Stored) -> list[str]:
    said = []
    if bill := found.bill:
        said.append(
            t(
                "stored.bill",
                whole=plain(f"US${bill.whole:.2f}"),
                storage=plain(f"US${bill.storage:.2f}"),
                gb=bill.free_gb,
                date=f"{bill.dated:%Y-%m-%d}",
            )
        )
        said.append(
            t(
                "stored.asked",
                a=f"{found.class_a:,}",
                b=f"{found.class_b:,}",
                cost=plain(f"US${bill.class_a + bill.class_b:.2f}"),
            )
        )
    else:
        said.append(t("stored.folder"))
    if found.unsized:
        said.append(t("stored.unsized", n=found.unsized))
    if found.elsewhere:
        said.append(t("stored.elsewhere", n=found.elsewhere))
    return said
