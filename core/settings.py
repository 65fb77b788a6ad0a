"""Environment and .env -> Settings; every missing or wrong variable is named at once."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from core.database.url import normal
from core.errors import SettingsWrong

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder; relative paths in settings start here."""

Provider = Literal["local", "gemini", "gateway", "openai"]
Emails = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings. `.env.example` documents each; secrets are never shown by `repr`."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    database_url: SecretStr = SecretStr("")
    use_r2_storage: bool = False
    r2_endpoint: str | None = None
    r2_bucket: str | None = None
    r2_access_key: SecretStr | None = None
    r2_secret_key: SecretStr | None = None
    r2_public_url: str | None = None
    upload_dir: Path = Path("var/media")
    media_delivery: Literal["presigned", "public", "proxy"] | None = None

    image_provider: Provider | None = None
    gemini_api_key: SecretStr | None = None
    google_gemini_base_url: str = "https://generativelanguage.googleapis.com"
    gemini_model: str = "gemini-nano-banana-2.1"
    nano_banana_api_base: str | None = None
    nano_banana_api_key: SecretStr | None = None
    nano_banana_model: str | None = None
    gemini_thinking_model: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str | None = None
    provider_concurrency: int = Field(default=4, ge=1, le=64)

    daily_budget_usd: float | None = Field(default=None, ge=0)
    user_daily_budget_usd: float | None = Field(default=None, ge=0)
    max_upload_mb: float = Field(default=20, gt=0, le=200)
    max_megapixels: float = Field(default=50, gt=0, le=200)
    retention_days: int | None = Field(default=None, ge=1)
    second_look_share: float = Field(default=0, ge=0, le=1)

    executor: Literal["local", "celery"] = "local"
    celery_broker_url: SecretStr | None = None
    redis_url: SecretStr | None = None

    app_secret: SecretStr | None = Field(default=None, min_length=16)
    allow_anonymous: bool = False
    timezone: str = "Asia/Hong_Kong"
    auth_client_id: str | None = None
    auth_client_secret: SecretStr | None = None
    auth_server_metadata_url: str | None = None
    auth_redirect_uri: str | None = None
    auth_cookie_secret: SecretStr | None = None
    admin_emails: Emails = ()
    reviewer_emails: Emails = ()
    allowed_domains: Emails = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings

    @field_validator("admin_emails", "reviewer_emails", "allowed_domains", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in re.split(r"[,;\s]+", value) if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr) -> SecretStr:
        return SecretStr(normal(value.get_secret_value() or "sqlite:///var/packshot.db", ROOT))

    @field_validator("upload_dir")
    @classmethod
    def _from_root(cls, value: Path) -> Path:
        return ROOT / value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError("should be a time zone such as Asia/Hong_Kong") from exc
        return value

    @field_validator(
        "r2_endpoint",
        "r2_public_url",
        "google_gemini_base_url",
        "nano_banana_api_base",
        "openai_base_url",
        "auth_server_metadata_url",
        "auth_redirect_uri",
    )
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc:
            raise ValueError("should start with https:// and name a host")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        missing: list[tuple[str, str]] = []
        if self.use_r2_storage:
            for name in ("r2_endpoint", "r2_bucket", "r2_access_key", "r2_secret_key"):
                if getattr(self, name) is None:
                    missing.append((name, "is needed because USE_R2_STORAGE is true"))
        if self.media_delivery == "public" and self.r2_public_url is None:
            missing.append(("r2_public_url", "is needed because MEDIA_DELIVERY is public"))
        if self.media_delivery in ("presigned", "public") and not self.use_r2_storage:
            missing.append(("media_delivery", "should be proxy, or empty, while USE_R2_STORAGE is false"))
        needs = {
            "gemini": ("gemini_api_key",),
            "gateway": ("nano_banana_api_base", "nano_banana_api_key", "nano_banana_model"),
            "openai": ("openai_api_key", "openai_model"),
            "local": (),
        }
        for name in needs[self.provider]:
            if getattr(self, name) is None:
                missing.append((name, f"is needed because the image provider is {self.provider}"))
        if self.image_provider is None and self.nano_banana_api_key and not self.nano_banana_api_base:
            missing.append(
                (
                    "nano_banana_api_key",
                    "has no place to go: add NANO_BANANA_API_BASE=https://..., or for a Google key "
                    "put it into GEMINI_API_KEY with IMAGE_PROVIDER=gemini",
                )
            )
        if self.executor == "celery" and not (self.celery_broker_url or self.redis_url):
            missing.append(("celery_broker_url", "is needed because EXECUTOR is celery"))
        if missing:
            raise SettingsWrong([(name.upper(), sentence) for name, sentence in missing])
        return self

    @property
    def provider(self) -> Provider:
        """The configured image provider, or what the keys that are set say it is."""
        if self.image_provider is not None:
            return self.image_provider
        if self.nano_banana_api_base and self.nano_banana_api_key:
            return "gateway"
        return "gemini" if self.gemini_api_key else "local"

    @property
    def sign_in(self) -> bool:
        """People sign in through OpenID Connect."""
        return self.auth_client_id is not None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The operators' time zone, for days and budgets."""
        return ZoneInfo(self.timezone)

    @property
    def max_bytes(self) -> int:
        return int(self.max_upload_mb * 1_000_000)

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * 1_000_000)


_SHOULD = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "greater_than_equal": "should be at least {ge}",
    "greater_than": "should be more than {gt}",
    "less_than_equal": "should be at most {le}",
    "literal_error": "should be {expected}",
    "too_short": "should have at least {min_length} characters",
    "string_too_short": "should have at least {min_length} characters",
    "value_error": "{error}",
}


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` (field names) come before the environment.

    Raises SettingsWrong with one sentence for each variable that can't be used. No sentence
    carries the value that was given: it may be a secret.
    """
    try:
        return Settings(**overrides)
    except ValidationError as exc:
        problems = []
        for error in exc.errors(include_input=False, include_url=False):
            name = str(error["loc"][0]).upper() if error["loc"] else "SETTINGS"
            sentence = _SHOULD.get(error["type"], "has a value that can't be used")
            problems.append((name, sentence.format_map({**error.get("ctx", {})})))
        raise SettingsWrong(problems) from exc
    except UnicodeDecodeError as exc:
        raise SettingsWrong([(".env", "should be a UTF-8 text file")]) from exc
