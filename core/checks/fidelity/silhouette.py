"""The proportions of the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.checks.fidelity import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def stretch(matrix: NDArray[np.float64], mask: NDArray[np.uint8]) -> float:
    """Natural logarithm of how much more one direction of the product grew than the other, without what a
    turn away from the camera explains.

    A plane that turns by t is foreshortened by cos t and converges towards its far side. From the
    convergence, with a camera some four lengths of the product away, follows a t, and what it explains.
    """
    import numpy as np

    ys, xs = np.nonzero(mask)
    x, y = float(xs.mean()), float(ys.mean())
    local = register.jacobian(matrix, x, y)
    large, small = np.linalg.svd(local, compute_uv=False)
    uneven = float(np.log(large / small))
    reach = np.array([xs.max() - xs.min(), ys.max() - ys.min()]) / 2
    steps = []
    for way in (0, 1):
        off = np.zeros(2)
        off[way] = reach[way]
        sizes = [
            0.5 * np.log(np.linalg.det(register.jacobian(matrix, x + s * off[0], y + s * off[1])))
            for s in (-1, 1)
        ]
        steps.append((sizes[1] - sizes[0]) / 3 / (2 * reach[way]))
    turn = float(np.hypot(*steps)) * 2 * float(reach.max()) * 4.0
    explained = -np.log(np.cos(min(0.45, np.arcsin(min(0.9, turn)))))
    return max(0.0, uneven - float(explained))
