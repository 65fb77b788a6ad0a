"""Was the product changed? OpenCV, numpy and scikit-image; no model and no network."""

from __future__ import annotations

from core.checks.fidelity.compare import compare
from core.checks.fidelity.facts import Axis, Box, Fidelity, Place, Verdict, Why

__all__ = ["Axis", "Box", "Fidelity", "Place", "Verdict", "Why", "compare"]
