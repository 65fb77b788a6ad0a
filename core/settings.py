"""Environment and .env -> Settings; every missing or wrong variable is named at once."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from core import settings_r2
from core.database.url import normal
from core.errors import SettingsWrong
from core.settings_checks import incomplete

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder; relative paths in settings start here."""

Provider = Literal["local", "gemini", "gateway", "openai"]
Emails = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings. `.env.example` documents each; secrets are never shown by `repr`."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_file_encoding="utf-8-sig",  # Windows' Notepad may begin a file with a byte order mark.
        env_ignore_empty=True,
        allow_inf_nan=False,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    database_url: SecretStr = SecretStr("")
    use_r2_storage: bool = False
    r2_bucket: str | None = None
    r2_endpoint: str | None = None  # After the bucket, whose name it may end with.
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
    retention_days: int | None = Field(default=None, ge=1, le=36_500)
    trash_days: int = Field(default=30, ge=1, le=36_500)
    second_look_share: float = Field(default=0, ge=0, le=1)

    executor: Literal["local", "celery"] = "local"
    celery_broker_url: SecretStr | None = None
    redis_url: SecretStr | None = None

    metrics_token: SecretStr | None = Field(default=None, min_length=16)
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
        try:
            parts = urlsplit(value)
            named = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
        except ValueError as exc:
            raise ValueError("should start with https:// and name a host") from exc
        if not named or re.search(r"\s", value):
            raise ValueError("should start with https:// and name a host")
        return value.rstrip("/")

    @field_validator("r2_bucket")
    @classmethod
    def _bucket(cls, value: str | None) -> str | None:
        return value and settings_r2.bucket_name(value)

    @field_validator("r2_endpoint")
    @classmethod
    def _endpoint(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value and settings_r2.endpoint(value, info.data.get("r2_bucket"))

    @property
    def provider(self) -> Provider:
        """The configured image provider, or what the keys that are set say it is."""
        if self.image_provider is not None:
            return self.image_provider
        if self.nano_banana_api_base and self.nano_banana_api_key:
            return "gateway"
        return "gemini" if self.gemini_api_key else "local"

    @property
    def delivery(self) -> Literal["presigned", "public", "proxy"]:
        """How browsers load pictures; never `public` without an address that can be."""
        chosen = self.media_delivery or ("presigned" if self.use_r2_storage else "proxy")
        return "presigned" if chosen == "public" and self.public_url is None else chosen

    @property
    def public_url_is_s3(self) -> bool:
        """R2_PUBLIC_URL is the S3 endpoint, which answers an unsigned request with an error."""
        return settings_r2.is_s3(self.r2_public_url, self.r2_endpoint)

    @property
    def public_url(self) -> str | None:
        """The bucket's public address, when it has one that works without a signature."""
        return None if self.public_url_is_s3 else self.r2_public_url

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
    "int_parsing_size": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "finite_number": "should be a number",
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

    Raises SettingsWrong with one sentence for each variable that can't be used or is missing, all at once.
    No sentence carries the value that was given: it may be a secret.
    """
    file = Settings.model_config.get("env_file")
    problems: list[tuple[str, str]] = []
    cause: Exception | None = None
    try:
        if isinstance(file, Path) and file.is_dir():
            raise SettingsWrong([(".env", "should be a text file, not a folder")])
        settings = Settings(**overrides)
    except ValidationError as exc:
        problems, cause = _problems(exc), exc
        # The others may still lack a partner, which belongs into the same answer.
        wrong = {name.lower() for name, _ in problems}
        standing_in = {name: field.default for name, field in Settings.model_fields.items() if name in wrong}
        settings = Settings(**{**overrides, **standing_in})
    except UnicodeDecodeError as exc:
        raise SettingsWrong([(".env", "should be a UTF-8 text file")]) from exc
    except OSError as exc:
        raise SettingsWrong([(".env", "should be a file that you may read")]) from exc
    known = [name for name, _ in problems]
    problems += [
        (name, sentence)
        for name, sentence in incomplete(settings)
        if name not in known and not any(other in sentence.split() for other in known)
    ]
    if problems:
        raise SettingsWrong(problems) from cause
    return settings


def _problems(exc: ValidationError) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for error in exc.errors(include_input=False, include_url=False):
        name = str(error["loc"][0]).upper() if error["loc"] else "SETTINGS"
        sentence = _SHOULD.get(error["type"], "has a value that can't be used")
        found.append((name, sentence.format_map({**error.get("ctx", {})})))
    return found
