"""Tags: short texts that people put on pictures, to find them by."""

from __future__ import annotations

from core.errors import TagEmpty, TextTooLong
from core.search import folded, question
from core.text import clean

LONGEST = 40
"""Characters of a tag."""
MOST = 20
"""Tags of one picture."""


def tag_of(text: str) -> str:
    """A tag as it is kept: capital and small letters, full and half width are the same, one space between
    words. Raises TagEmpty and TextTooLong."""
    tag = " ".join(folded(clean(text)).split())
    if len(tag) > LONGEST:
        raise TextTooLong("tag", len(tag), LONGEST)
    if question(tag) is None:
        raise TagEmpty()
    return tag
