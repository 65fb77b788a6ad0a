"""What is asked for: look, model, ratio, size, style and count."""

from __future__ import annotations

import streamlit as st

from core import presets
from core.model import Order, Preset
from core.providers import ImageProvider, ModelInfo
from core.studio import Studio
from pages.ui import facts, tray
from pages.ui.looks import looks
from pages.ui.words import provider_name, spoken, t


def take_over(order: Order) -> None:
    """Fill the controls from an earlier order; called before any of them is drawn."""
    state = st.session_state
    state["look-kept"] = state["look-was"] = order.preset
    state["model"] = f"{order.provider} {order.model}"
    state["ratio"], state["size"], state["outputs"] = order.ratio, order.size, order.outputs
    state["style"] = order.style
    fill = order.parameters.get("fill")
    if isinstance(fill, (int, float)):
        state["fill"] = min(100, max(30, round(fill * 20) * 5))
    state["shadow"] = bool(order.parameters.get("shadow"))


def ordering(desk: Studio) -> None:
    """Draw the controls; `standing` reads them."""
    state = st.session_state
    offered = _offered(desk)
    names = [preset.name for preset in offered]
    preset = offered[names.index(looks(offered, key="look", default=names[0]))]
    if state.get("look-was") != preset.name:
        # A new look brings its own ratio, size and count.
        state.update({"look-was": preset.name, "ratio": preset.ratio, "size": preset.size})
        state["outputs"] = preset.outputs
    models = _models(desk)
    provider, model = _chosen(models)
    if provider.name == "local" and not preset.plain_background:
        st.caption(t("generate.local_look"))
    if preset.describe:
        facts.offer(desk)
    # Another model may have left a ratio or a size that this one lacks.
    state["ratio"], state["size"] = model.nearest(state["ratio"], state["size"])
    # What is shut is not drawn: it would be half of what every click on the page costs.
    details = st.expander(t("generate.details"), icon=":material/tune:", key="details", on_change="rerun")
    if details.open:
        with details:
            _details(desk, preset, models, provider, model)
    st.segmented_control(
        t("generate.outputs"),
        [1, 2, 3, 4, 5],
        required=True,
        key="outputs",
        default=state["outputs"],
        persist_state="session",
    )


def _details(
    desk: Studio,
    preset: Preset,
    models: dict[str, tuple[ImageProvider, ModelInfo]],
    provider: ImageProvider,
    model: ModelInfo,
) -> None:
    state = st.session_state
    if not preset.describe:
        facts.offer(desk)
    tray.naming()
    if preset.takes_style:
        st.text_area(
            t("generate.style"),
            placeholder=t("generate.style_hint"),
            height=68,
            max_chars=2000,
            key="style",
            value=state.get("style") or "",
            persist_state="session",
        )
    names = {name: f"{provider_name(p.name)} · {m.name}" for name, (p, m) in models.items()}
    key = spoken("model")
    state["model"] = state[key] = f"{provider.name} {model.name}"
    st.selectbox(
        t("generate.model"),
        list(models),
        format_func=names.__getitem__,
        key=key,
        on_change=lambda: state.update(model=state[key]),
        persist_state="session",
    )
    for name, allowed in (("ratio", model.ratios), ("size", model.sizes)):
        st.segmented_control(
            t(f"generate.{name}"),
            allowed,
            required=True,
            key=name,
            default=state[name],
            persist_state="session",
        )
    if provider.name == "local":
        fill = state.setdefault("fill", 85)
        st.slider(
            t("generate.fill"), 30, 100, fill, step=5, format="%d%%", key="fill", persist_state="session"
        )
        st.toggle(t("generate.shadow"), bool(state.get("shadow")), key="shadow", persist_state="session")


def standing(desk: Studio) -> Order:
    """The order as the controls stand, also before they are drawn again."""
    state = st.session_state
    provider, model = _chosen(_models(desk))
    offered = _offered(desk)
    preset = next((found for found in offered if found.name == state.get("look-kept")), offered[0])
    ratio, size = model.nearest(state.get("ratio") or preset.ratio, state.get("size") or preset.size)
    local = {"fill": (state.get("fill") or 85) / 100, "shadow": bool(state.get("shadow"))}
    return Order(
        preset=preset.name,
        outputs=state.get("outputs") or 1,
        ratio=ratio,
        size=size,
        provider=provider.name,
        model=model.name,
        style=(state.get("style") or "") if preset.takes_style else "",
        parameters=local if provider.name == "local" else {},
    )


def _offered(desk: Studio) -> tuple[Preset, ...]:
    """What can be chosen, and what an earlier order had although it is hidden by now."""
    kept = st.session_state.get("look-kept")
    every = presets.every(desk)
    return tuple(one.preset for one in every if not one.hidden or one.preset.name == kept)


def _models(desk: Studio) -> dict[str, tuple[ImageProvider, ModelInfo]]:
    """Every model of every provider, the configured provider's first."""
    first = desk.settings.provider
    providers = sorted(desk.providers.values(), key=lambda provider: provider.name != first)
    return {f"{p.name} {model.name}": (p, model) for p in providers for model in p.models()}


def _chosen(models: dict[str, tuple[ImageProvider, ModelInfo]]) -> tuple[ImageProvider, ModelInfo]:
    """What is chosen, or the first where that is not offered any more."""
    return models.get(st.session_state.get("model") or "") or next(iter(models.values()))
