"""The tables. Integer `id` for joins, order and cursors; uuid `key` for URLs and object names."""

from core.database.schema.bulk import job_items, jobs, output_tags
from core.database.schema.channels import channel_rules
from core.database.schema.desk import events, preset_decisions, presets, saved_views
from core.database.schema.exporting import export_items, exports
from core.database.schema.finding import search_texts, search_words
from core.database.schema.judging import checks, claims, reviews
from core.database.schema.money import descriptions, provider_states, spending
from core.database.schema.parts import metadata
from core.database.schema.rollups import rollup_changes, rollups
from core.database.schema.upkeep import retention_rules, upkeep
from core.database.schema.work import calls, outputs, photos, tasks, workers

__all__ = [
    "calls",
    "channel_rules",
    "checks",
    "claims",
    "descriptions",
    "events",
    "export_items",
    "exports",
    "job_items",
    "jobs",
    "metadata",
    "output_tags",
    "outputs",
    "photos",
    "preset_decisions",
    "presets",
    "provider_states",
    "retention_rules",
    "reviews",
    "rollup_changes",
    "rollups",
    "saved_views",
    "search_texts",
    "search_words",
    "spending",
    "tasks",
    "upkeep",
    "workers",
]
