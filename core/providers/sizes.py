"""Pixel sizes by ratio, as Gemini's image models make them, shared by every provider."""

from __future__ import annotations

# Width and height at 1K; 2K doubles and 4K quadruples them.
# Source: Gemini image generation documentation, read 2026-11.
_AT_1K: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "4:5": (928, 1152),
    "3:4": (896, 1200),
    "2:3": (848, 1264),
    "9:16": (768, 1376),
    "5:4": (1152, 928),
    "4:3": (1200, 896),
    "3:2": (1264, 848),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
_SCALE = {"1K": 1, "2K": 2, "4K": 4}

RATIOS = tuple(_AT_1K)
SIZES = tuple(_SCALE)


def pixels(ratio: str, size: str) -> tuple[int, int]:
    """Width and height in pixels of `ratio` (in RATIOS) at `size` (in SIZES); KeyError otherwise."""
    width, height = _AT_1K[ratio]
    return width * _SCALE[size], height * _SCALE[size]


def number(ratio: str) -> float:
    """Width over height, as the name says."""
    width, height = ratio.split(":")
    return int(width) / int(height)


def expected(ratio: str, size: str) -> tuple[int, int]:
    """`pixels`, or for a ratio that is not in RATIOS about as many pixels, by steps of 16."""
    if ratio in _AT_1K:
        return pixels(ratio, size)
    root = number(ratio) ** 0.5
    width, height = round(64 * root) * 16, round(64 / root) * 16
    return width * _SCALE[size], height * _SCALE[size]
