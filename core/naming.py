"""Names of exported files: `{SKU}_{role}_{n}`, safe on every system, never the same twice."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.model import PhotoRole

_SIGNS = set('<>:"/\\|?*,;')
"""No system's file name may have the most of them; the last two separate names in lists."""
_RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{name}{n}" for name in ("com", "lpt") for n in "0123456789¹²³"
}
_LEADING = {*"=+-@＝＋－＠"}
"""A spreadsheet would read a formula, a shell an option."""
_LONGEST = 160
"""Bytes of UTF-8. File systems take 255, with the role, the number and what a browser adds."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where a picture stands in its listing: `n` counts within one name and role, from 1."""

    role: PhotoRole
    n: int
    name: str
    """Without an extension."""


def stem(sku: str, original_name: str) -> str:
    """The beginning of a file's name: the SKU as it is written, else the source file's name, made safe.

    No part of a path, no sign that a system refuses, none of Windows' reserved names, nothing invisible.
    """
    file = original_name.replace("\\", "/").rpartition("/")[2]
    before, dot, _ = file.rpartition(".")
    given = sku.strip() or (before if dot else file)
    kept = "".join(map(_safe, unicodedata.normalize("NFC", given)))
    # Dots at the beginning hide a file or lead to another folder.
    kept = kept.lstrip(" .").encode()[:_LONGEST].decode(errors="ignore").rstrip(" .")
    if kept.split(".")[0].rstrip().casefold() in _RESERVED or kept[:1] in _LEADING:
        kept = f"_{kept}"
    return kept or "picture"


def _safe(sign: str) -> str:
    kind = unicodedata.category(sign)
    if sign in _SIGNS:
        return "_"
    if kind.startswith("Z"):
        return " "
    # Private and unassigned signs stay: fonts of Hong Kong have names in them.
    return "" if kind in ("Cc", "Cf", "Cs") else sign


def placed(pictures: Sequence[tuple[str, PhotoRole, PhotoRole | None]]) -> list[Placed]:
    """Names for pictures as (stem, usual role, role that somebody chose), in their order.

    Stems that differ only in case or width are one listing, so that no system takes two files for one.
    Of roles that a listing has once, a chosen one goes before a usual one and the first before the next;
    the others stand behind as further pictures of the product.
    """
    listings = [unicodedata.normalize("NFKC", stem).casefold() for stem, _, _ in pictures]
    held: dict[tuple[str, PhotoRole], int] = {}
    for choice in (True, False):
        for i, (listing, (_, usual, chosen)) in enumerate(zip(listings, pictures, strict=True)):
            role = chosen or usual
            if role.single and (chosen is not None) is choice:
                held.setdefault((listing, role), i)
    count: Counter[tuple[str, PhotoRole]] = Counter()
    found = []
    for i, (listing, (stem, usual, chosen)) in enumerate(zip(listings, pictures, strict=True)):
        role = chosen or usual
        if role.single and held[listing, role] != i:
            role = PhotoRole.OTHER_PRODUCT if role is PhotoRole.MAIN else PhotoRole.OTHER
        count[listing, role] += 1
        n = count[listing, role]
        found.append(Placed(role=role, n=n, name=f"{stem}_{role}_{n}"))
    return found
