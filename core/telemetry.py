"""Logs: one line for each event, without secrets and without bytes; and what is counted of a provider."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from core.masking import Mask

if TYPE_CHECKING:
    from types import TracebackType

    from core.model import Output
    from core.settings import Settings
    from core.studio import Studio

log = logging.getLogger(__name__)

_OURS = ("core", "packshot")
_THEIRS = ("streamlit", "uvicorn")
"""Loggers that keep their own lines."""
_ORDER = ["timestamp", "level", "event", "task", "output", "call", "provider", "outcome"]


def configure(settings: Settings, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), once.

    key=value on a terminal, JSON elsewhere; times in UTC. The desk's own lines from `level` up, those of
    libraries from WARNING up. Secrets of `settings`, what looks like one, and bytes are masked in all of
    them, tracebacks too (`core.masking`).
    """
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Lines)]:
        root.removeHandler(handler)
    root.addHandler(_Lines(Mask(settings), stream or sys.stderr))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    threading.excepthook = _thread_ended
    sys.excepthook = _process_ended


class _Lines(logging.StreamHandler[TextIO]):
    """The one handler. structlog is imported with the first line: a start does not wait for it."""

    def __init__(self, mask: Mask, stream: TextIO) -> None:
        super().__init__(stream)
        self._mask = mask
        self.addFilter(lambda record: record.name.split(".")[0] not in _THEIRS)
        self._lock_lines = threading.Lock()

    def format(self, record: logging.LogRecord) -> str:
        with self._lock_lines:
            if self.formatter is None:
                self.formatter = self._made()
        return self.formatter.format(record)

    def _made(self) -> logging.Formatter:
        import structlog

        mask = self._mask

        def guard(_logger: Any, _method: str, event: structlog.typing.EventDict) -> dict[str, Any]:
            for name in ("message", "asctime"):
                event.pop(name, None)  # What another handler's formatter left on the record.
            return mask.fields(event)

        terminal = bool(getattr(self.stream, "isatty", lambda: False)())
        renderer: Any = (
            structlog.processors.LogfmtRenderer(key_order=_ORDER, drop_missing=True, bool_as_flag=False)
            if terminal
            else structlog.processors.JSONRenderer(ensure_ascii=False)
        )
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.ExtraAdder(),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.StackInfoRenderer(),
                guard,
                renderer,
            ],
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """The library's own words would show the arguments as they are."""
        kind = sys.exc_info()[0]
        sys.__stderr__ and sys.__stderr__.write(
            f"a log line of {record.name}:{record.lineno} was lost: {kind.__name__ if kind else ''}\n"
        )


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else ""
        log.error("a thread ended by a mistake of the desk", exc_info=ended.exc_value, extra={"at": name})


def _process_ended(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        log.critical("ended by a mistake of the desk", exc_info=error)


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Every line of this thread within the block names `ids`, and what `bind` adds."""
    from structlog import contextvars

    contextvars.clear_contextvars()
    contextvars.bind_contextvars(**ids)
    try:
        yield
    finally:
        contextvars.clear_contextvars()


def bind(**ids: object) -> None:
    """Add ids to the lines of the block around."""
    from structlog import contextvars

    contextvars.bind_contextvars(**ids)


@contextmanager
def asking(studio: Studio, output: Output) -> Iterator[None]:
    """Around a provider call: its latency is counted, and named on the line that tells its end."""
    started = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - started
        studio.meters.answered(output.provider, output.model, seconds)
        bind(latency_ms=round(seconds * 1000))


def ended(studio: Studio, output: Output, call: Mapping[str, Any]) -> None:
    """Count and tell the end of one attempt at an output.

    `call` has what its row in `calls` gets: `outcome` ("picture" or an error's kind) and, where known,
    `cost_micros` and `provider_request_id`.
    """
    outcome, cost = str(call["outcome"]), call.get("cost_micros")
    studio.meters.ended(output.provider, output.model, outcome, cost)
    told = {
        "output": output.key,
        "provider": output.provider,
        "model": output.model,
        "outcome": outcome,
        "cost_micros": cost,
        "request_id": call.get("provider_request_id"),
    }
    level = logging.INFO if outcome == "picture" else logging.WARNING
    log.log(level, "attempt ended", extra={name: value for name, value in told.items() if value is not None})
