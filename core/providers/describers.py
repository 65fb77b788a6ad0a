"""Which model describes photos: GEMINI_THINKING_MODEL at a provider that there is a key for."""

from __future__ import annotations

from core.providers import Describer
from core.settings import Settings

_ORDER = ("gateway", "gemini", "openai")


def make_describer(settings: Settings) -> Describer | None:
    """The configured image provider where it has such models, else the first with a key; None when no model
    is set or nobody can be asked. Nothing is connected yet."""
    model = settings.gemini_thinking_model
    if model is None:
        return None
    from core.providers.chat import ChatDescriber
    from core.providers.gemini_text import GeminiDescriber

    places = {
        "gateway": (settings.nano_banana_api_key, settings.nano_banana_api_base),
        "gemini": (settings.gemini_api_key, settings.google_gemini_base_url),
        "openai": (settings.openai_api_key, settings.openai_base_url),
    }
    for name in (settings.provider, *_ORDER):
        key, base = places.get(name, (None, None))
        if key is None or base is None:
            continue
        secret, many = key.get_secret_value(), settings.provider_concurrency
        if name == "gemini":
            return GeminiDescriber(key=secret, base=base, model=model, concurrency=many)
        return ChatDescriber(name=name, key=secret, base=base, model=model, concurrency=many)
    return None
