"""Presets as the command line lists them."""

from __future__ import annotations

from typing import Any

from core import figures, preset_versions, presets
from core.console import words
from core.figures import Made
from core.studio import Studio


def listed(studio: Studio) -> list[dict[str, Any]]:
    """Every preset, as the version that counts has it. Raises DatabaseError kinds."""
    rates = figures.by_version(studio)
    found = []
    for one in presets.every(studio):
        preset, key = one.preset, f"preset.{one.preset.name}.name"
        title = preset.titles.get("en") or (words(key) if key in words else preset.name)
        rate = _rate(rates.get((preset.name, preset.version)))
        found.append(
            {"name": preset.name, "version": preset.version, "title": title, "hidden": one.hidden, **rate}
        )
    return found


def versions_of(studio: Studio, name: str) -> list[dict[str, Any]]:
    """The versions of one, newest first. Raises NotFound and DatabaseError kinds."""
    rates = figures.by_version(studio)
    return [
        {
            "version": version.preset.version,
            "active": version.active,
            "at": version.at.isoformat(timespec="seconds"),
            "by": version.by,
            "note": version.note,
            "prompt": version.preset.prompt,
            **_rate(rates.get((name, version.preset.version))),
        }
        for version in preset_versions.story(studio, name).versions
    ]


def _rate(made: Made[Any] | None) -> dict[str, Any]:
    """`approval` is of what was judged, 0 to 1; None when nothing was."""
    return {
        "pictures": made.pictures if made else 0,
        "judged": made.judged if made else 0,
        "approval": made.approval if made else None,
    }


def line(entry: dict[str, Any]) -> str:
    """One of either list for people."""
    approval = "" if entry["approval"] is None else f"{entry['approval']:.0%} of {entry['judged']} approved"
    if "name" in entry:
        mark = "hidden" if entry["hidden"] else ""
        return f"{entry['name']:24}  v{entry['version']:<4}  {entry['title']}  {approval}  {mark}".rstrip()
    mark = "*" if entry["active"] else " "
    return (
        f"{mark} v{entry['version']:<4}  {entry['at']}  {entry['by']}  {approval}  {entry['note']}".rstrip()
    )
