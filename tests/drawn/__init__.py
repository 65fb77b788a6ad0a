"""Pairs of pictures for the fidelity check: drawn packages, what keeps them and what alters them."""
