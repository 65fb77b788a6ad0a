"""Run one benchmark, or all, and print ratios beside their budgets."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "pipeline",
    "overhead",
    "rerun",
    "cold",
    "storage",
    "chaos",
    "export",
    "insights",
    "history",
    "fidelity",
    "cutout",
    "stepping",
    "bulk",
)


def main(arguments: list[str]) -> int:
    names = arguments or list(NAMES)
    if wrong := [name for name in names if name not in NAMES]:
        sys.stderr.write(f"No benchmark {', '.join(wrong)}. There are: {', '.join(NAMES)}.\n")
        return 2
    for name in names:
        for line in import_module(f"tests.bench.{name}").run():
            print(f"{name:9} {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
