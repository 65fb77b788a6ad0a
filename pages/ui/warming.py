"""What a process loads before somebody asks for it."""

from __future__ import annotations

from importlib import import_module

from core.language import LANGUAGES, words

_FIRST_PAGE = (
    # Streamlit's own, for a logo and for icons in words.
    "numpy", "streamlit.emojis",
    "pages.ui.ordering", "pages.ui.shell", "pages.ui.tray",
)  # fmt: skip


def first_page() -> None:
    """Load what the first page needs. Later it would take twice as long: the browser that waits for it loads
    Streamlit's own files meanwhile, and works as hard."""
    for language in LANGUAGES:
        words(language)
    for name in _FIRST_PAGE:
        import_module(name)
