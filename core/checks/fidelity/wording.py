"""What a label says at one spot, in both pictures, where Tesseract is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.checks.fidelity import limits
from core.checks.text import languages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TIMEOUT = 10
_HIGH = 120
"""Pixels to which a spot of a line or two is enlarged: Tesseract wants letters of 20 and more."""
_RIM = 20
_BETWEEN = re.compile("(?<=[\u3040-\u9fff]) (?=[\u3040-\u9fff])")
"""Tesseract parts Chinese and Japanese words; people don't."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """`source` and `result`: what was read, empty where nothing was. `errors`: their character error rate,
    0 is the same text; None where less than two signs were read
    in either, which may be Tesseract's failure."""

    source: str
    result: str
    errors: float | None


def compare(source: NDArray[np.uint8], result: NDArray[np.uint8]) -> Reading | None:
    """Read the same spot (HxWx3 RGB) in both; None where neither can be read."""
    tongues = languages()
    if tongues is None:
        return None
    ours, theirs = (_read(picture, tongues) for picture in (source, result))
    if not ours + theirs:
        return None
    told = min(len(ours), len(theirs)) > 1  # A single sign is as likely a scratch.
    return Reading(source=ours, result=theirs, errors=error_rate(ours, theirs) if told else None)


def error_rate(one: str, other: str) -> float:
    """Levenshtein's distance over the number of characters of the longer text, spaces left out: 0 to 1."""
    a, b = ("".join(text.split()).casefold() for text in (one, other))
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, sign in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != sign))
    return row[-1] / max(1, len(a), len(b))


def _read(picture: NDArray[np.uint8], tongues: str) -> str:
    """The words of which Tesseract is sure."""
    import cv2
    import pytesseract

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if grey.std() < 4:
        return ""
    scale = max(1.0, _HIGH / grey.shape[0])
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    grey = cv2.copyMakeBorder(grey, _RIM, _RIM, _RIM, _RIM, cv2.BORDER_REPLICATE)
    try:
        found = pytesseract.image_to_data(
            grey, lang=tongues, config="--psm 6", output_type=pytesseract.Output.DICT, timeout=_TIMEOUT
        )
    except (RuntimeError, pytesseract.TesseractError):  # RuntimeError: it took too long.
        return ""
    read = zip(found["text"], found["conf"], strict=True)
    sure = [text.strip() for text, conf in read if float(conf) >= limits.READ_SURE]
    line = " ".join(text for text in sure if any(letter.isalnum() for letter in text))
    return _BETWEEN.sub("", line)
