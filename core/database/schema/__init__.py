"""The tables. Integer `id` for joins, order and cursors; uuid `key` for URLs and object names."""

from core.database.schema.desk import events, presets
from core.database.schema.judging import checks, reviews
from core.database.schema.money import descriptions, provider_states, spending
from core.database.schema.parts import metadata
from core.database.schema.work import calls, outputs, photos, tasks, workers

__all__ = [
    "calls",
    "checks",
    "descriptions",
    "events",
    "metadata",
    "outputs",
    "photos",
    "presets",
    "provider_states",
    "reviews",
    "spending",
    "tasks",
    "workers",
]
