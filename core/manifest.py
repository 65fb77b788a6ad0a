"""The list of an export: where each picture comes from, as CSV and as a workbook that spreadsheets open.

What people and models wrote can't act as a formula: a text that begins like one gets an apostrophe before it
(OWASP, "CSV Injection"). Lines are written as they come; nothing of a long export stays in memory.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from core.model import PhotoRole

COLUMNS = (
    "file", "exported", "reason", "sku", "role", "number", "product_name",
    "width", "height", "bytes", "sha256", "digital_source_type", "steps",
    "channel", "approved_for", "findings", "override",
    "reviewer", "reviewed_at", "review_note",
    "preset", "preset_version", "prompt", "style", "ratio", "size", "parameters",
    "provider", "model", "model_version", "request_id", "cost_usd",
    "source_file", "source_type", "source_sha256", "picture_sha256",
    "task", "output", "made_by", "made_at", "exported_by", "exported_at",
)  # fmt: skip
LISTING = ("sku", *(f"{role}[]" if not role.single else role.value for role in PhotoRole))
"""One line for each SKU, by the names of HKTVmall's API; several files of a role are parted by commas."""

NAMES = ("manifest.csv", "hktvmall.csv", "manifest.xlsx")
_SHEETS = ("manifest", "hktvmall")

_FORMULA = re.compile(r"[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What no XML holds."""
_LONGEST = 32_767
"""Characters of one cell of a workbook."""

Value = str | int | float | None


def harmless(text: str) -> str:
    """The text as no spreadsheet takes it for a formula."""
    kept = _UNSEEN.sub("\ufffd", text)
    return f"'{kept}" if _FORMULA.match(kept) else kept


class Manifest:
    """Writes the files of NAMES into `folder`; pictures of one SKU come one after another."""

    def __init__(self, folder: Path) -> None:
        from openpyxl import Workbook

        self._folder = folder
        self._open = ExitStack()
        self._ended = False
        self._listing: dict[str, list[str]] = {}
        self._sku = ""
        self._book = Workbook(write_only=True)
        self._tables = []
        for name, sheet, columns in zip(NAMES, _SHEETS, (COLUMNS, LISTING), strict=False):
            # Excel takes a CSV for UTF-8 only by its mark.
            file = self._open.enter_context((folder / name).open("w", encoding="utf-8-sig", newline=""))
            page = self._book.create_sheet(sheet)
            page.freeze_panes = "A2"
            self._tables.append((csv.writer(file), page))
            self._write(len(self._tables) - 1, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        if not self._ended:
            self._book.save(self._folder / NAMES[-1])  # Else it leaves its own temporary files behind.

    def add(self, values: Mapping[str, Value]) -> None:
        """One picture by the names of COLUMNS; `exported` is "yes" or "no"."""
        self._write(0, [values.get(name) for name in COLUMNS])
        sku = str(values["sku"] or "")
        if sku != self._sku:
            self._list()
            self._sku = sku
        if sku and values["exported"] == "yes":
            self._listing.setdefault(str(values["role"]), []).append(str(values["file"]))

    def end(self) -> list[Path]:
        """Finish the files; they stand in the order of NAMES."""
        self._list()
        self._open.close()
        self._book.save(self._folder / NAMES[-1])
        self._ended = True
        return [self._folder / name for name in NAMES]

    def _list(self) -> None:
        """The line of the SKU that is through; one whose pictures all stayed behind has none."""
        if self._listing:
            self._write(1, [self._sku, *(",".join(self._listing.get(role, ())) for role in PhotoRole)])
            self._listing = {}

    def _write(self, table: int, values: Sequence[Value]) -> None:
        from openpyxl.cell import WriteOnlyCell

        lines, page = self._tables[table]
        shown = [harmless(value) if isinstance(value, str) else value for value in values]
        lines.writerow(shown)
        cells: list[Any] = []
        for value in shown:
            cell = WriteOnlyCell(page, value[:_LONGEST] if isinstance(value, str) else value)
            if isinstance(value, str):
                cell.data_type = "s"  # "#N/A" is a text as well.
            cells.append(cell)
        page.append(cells)
