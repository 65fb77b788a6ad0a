"""Every threshold of the fidelity check, in one place.

The scale of each axis (what counts as 1.0) was set on the tuned half of the drawn pairs (tests/drawn), never
on the half that is held out; `dev.py bench fidelity` prints what they give there.
"""

from __future__ import annotations

SIDE = 1024
"""Longest side in pixels at which pictures are registered."""
MASK_SIDE = 320
"""Longest side for finding the product."""
FRAME = 640
"""Longest side of the frame in which the two products lie on one another."""
COLOUR_SIDE = 512
"""The same for colours."""

LEAST_PRODUCT = 64
"""Pixels: a product whose longest side is smaller shows no label."""
FEATURES = 1500
FEATURE_SIDE = 800
"""Longest side at which features of the result are looked for."""
FEATURES_OF_A_GAP = 6
"""Matched features from which a gap of the mask belongs to the product."""
LEAST_MATCHES = 10
"""Distinct features that agree with one homography; 4 define it, chance gives a few more."""
LEAST_AGREEING = 0.12
"""Share of the matches that agree."""
MOST_UNEVEN, LEAST_SIZE, MOST_SIZE = 2.0, 0.08, 8.0
"""Of a homography on the product: stretch, and scale from source to result."""
MOST_FLOW = 9.0
"""Pixels of the frame. More is no bend of the same product."""

COLOUR = 7.0
"""CIEDE2000 (lightness weighed half) of the worst spot after the light was evened out."""
STRUCTURE = 0.45
"""1 - SSIM of the worst spot."""
SHAPE = 0.08
"""Natural logarithm of how much more one direction grew than the other."""
TEXT = 0.35
"""Character error rate between what is read at one spot of the label in both pictures."""
DOUBTFUL = 0.67
"""Score from which a spot is looked at: a word is one spot down to here, and is read where Tesseract is."""
READ_SURE = 70.0
"""Tesseract's confidence, of 100, from which a reading counts as one."""
