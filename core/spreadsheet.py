"""Rows as CSV that spreadsheets open as it is meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from core.manifest import harmless


def csv_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """UTF-8 with a byte order mark, which Excel needs to read Chinese; None is an empty cell.

    A text that begins like a formula gets an apostrophe before it (OWASP, "CSV Injection").
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([[_harmless(row[name]) for name in columns] for row in rows])
    return out.getvalue().encode("utf-8-sig")


def _harmless(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value
