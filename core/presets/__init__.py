"""Presets: what Packshot brings, what the desk made of it, and the prompt that comes of one."""

from core.presets.active import every, find, known, offered, on_white
from core.presets.prompt import render
from core.presets.shipped import shipped

__all__ = ["every", "find", "known", "offered", "on_white", "render", "shipped"]
