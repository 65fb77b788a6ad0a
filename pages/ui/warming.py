"""What a process leaves out, and what it loads before somebody asks for it."""

from __future__ import annotations

from importlib import import_module

from streamlit import delta_generator
from streamlit.components.v2 import manifest_scanner

from core.language import LANGUAGES, words

_FIRST_PAGE = (
    # Streamlit's own, for a logo and for icons in words.
    "numpy", "streamlit.emojis", "streamlit.material_icon_names",
    "pages.ui.link", "pages.ui.navigation", "pages.ui.ordering", "pages.ui.reread", "pages.ui.shell",
    "pages.ui.tray",
)  # fmt: skip


def leave_out() -> None:
    """Streamlit would look into every installed package for components, and at the file of every module to
    know whether it runs in a shell: together a seventh of a start. The desk's components are its own."""
    manifest_scanner.scan_component_manifests = lambda max_workers=None: []
    delta_generator._use_warning_has_been_displayed = True


def first_page() -> None:
    """Load what the first page needs. Later it would take twice as long: the browser that waits for it loads
    Streamlit's own files meanwhile, and works as hard."""
    for language in LANGUAGES:
        words(language)
    for name in _FIRST_PAGE:
        import_module(name)
