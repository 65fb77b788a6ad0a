"""What this process knows of the desk's presets, so that pages need not ask for them at every click."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from core.model import Preset


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A preset as its active version has it; one that is `hidden` is not offered."""

    preset: Preset
    hidden: bool


@dataclass(kw_only=True)
class Shelf:
    """Filled and asked by `core.presets.active`; threads share it."""

    standing: tuple[Standing, ...] = ()
    mark: int | None = None
    """The newest decision that `standing` knows of."""
    until: float = 0.0
    """On the monotonic clock: so long nobody asks the database whether there is a newer one."""
    acts: int = 0
    """What this process decided itself: a reading that began before does not count."""
    versions: dict[tuple[str, int], Preset] = field(default_factory=dict)
    """Versions by name and number; none ever changes."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def forget(self) -> None:
        """This process decided something: whoever asks next looks."""
        with self.lock:
            self.until, self.acts = 0.0, self.acts + 1

    def take(self, standing: tuple[Standing, ...], mark: int | None, *, until: float, acts: int) -> None:
        """Take what was read, unless something was decided since `acts`."""
        with self.lock:
            if acts == self.acts:
                self.standing, self.mark, self.until = standing, mark, until
                self.versions |= {(s.preset.name, s.preset.version): s.preset for s in standing}
