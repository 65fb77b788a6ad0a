"""Every error of the desk. Errors carry data; catalogues make sentences of them.

PackshotError
├── SettingsWrong
├── PhotoRefused
│   ├── NotAnImage  Truncated  Animated  Unsupported
│   └── FileTooLarge  TooManyPixels
├── ChannelsWrong       channels.toml or an edit of a rule can't be used
├── PresetRefused       a part of a preset is not what it may be
├── PresetChanged       somebody saved another version of a preset meanwhile
├── PresetSame          a new version would be the one before it
├── PresetExists        a preset has that name
├── NoFormerVersion     no other version of a preset was in use before
├── LastPreset          one preset has to be offered
├── RuleRefused         a value does not fit a rule of a channel
├── ChannelRefused      a picture breaks rules of a channel that block
├── OrderRefused        a field of an order has no such value
├── TextTooLong         a field of an order has more characters than are kept
├── TaskExists          somebody else took this task's key a moment before
├── AlreadyMade         the same pictures are under way or came within the hour
├── BudgetExhausted     a limit of the day would be passed; nothing was sent
├── PriceUnknown        a limit is set and the model has no price; nothing was sent
├── DescriberMissing    no model for descriptions is set
├── NotApproved         only approved pictures leave the desk
├── NothingToExport     no picture of those that are asked for is approved
├── MetadataLost        an exported file would not say where its picture comes from
├── ViewExists  TooManyViews  ViewUnnamed                a saved view that can't be
├── NotJudged           only pictures that came and are not in the trash can be judged
├── NothingToUndo       nobody has judged it, or all of it was taken back
├── ReviewConflict      somebody else judged it and this reviewer has not seen that
├── NothingChosen       of the chosen pictures none is there any more
├── NumberChanged       not as many pictures as were confirmed
├── NotUndone           an act on many that can't be taken back
├── TagEmpty            a tag without a letter or digit
├── InTrash  AlreadySo  ChangedSince  NotFailed  TooManyTags   why an act on many leaves a picture as it is
├── NotFound            a task or an output that is not there
├── NotAllowed          the actor's role does not reach
├── DaysRefused         not a number of days that a rule of keeping may have
├── PreviewChanged      another number of pictures would go than was shown; nothing was moved
├── StillGoing          it waits or is being made: it can't be deleted
├── PurgeBegan          its files are being removed for good: it can't be restored
├── StorageError
│   ├── StorageUnavailable  StorageFull  StorageReadOnly  StorageClockWrong
│   ├── BucketMissing  StorageKeyUnknown  StorageSecretWrong  StorageDenied  StorageListDenied
│   ├── ObjectError: ObjectMissing  ObjectExists  ObjectDiffers  InvalidKey
│   └── MostAreGone
├── DatabaseError
│   ├── DatabaseUnavailable  DatabaseCrowded              it may answer later
│   ├── DatabaseRefused  DatabaseMissing  DatabaseHostUnknown   DATABASE_URL is wrong
│   └── DatabaseCorrupt  DatabaseReadOnly  DatabaseFull  DatabaseTooNew  DatabaseBehind  DatabaseTaken
├── Stopped             an operator stopped it before it was sent
├── ProcessDied         the process went away, nothing had been sent
└── ProviderError
    ├── NotSent  BadRequest  Auth  ModelNotFound          nothing was charged
    ├── RateLimited  QuotaExhausted  AccountLimited       nothing was charged
    ├── Overloaded  OutcomeUnknown  NotFetched            may have been charged
    └── Blocked  NoImage  BadImage  BadDescription        may have been charged

`kind` is the class name; with `data` it is what rows keep and what `core.language` turns into
"what happened, what it means, what to do next".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

from core.model import OutputState


class PackshotError(Exception):
    """Base of all errors that an operator may read about."""

    def __init__(self, **data: Any) -> None:
        self.data: Mapping[str, Any] = data
        super().__init__(" ".join([self.kind, *(f"{k}={v!r}" for k, v in data.items())]))

    @property
    def kind(self) -> str:
        return type(self).__name__


class SettingsWrong(PackshotError):
    """One or more variables have values that can't be used."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        """`problems`: (variable, sentence) pairs; the sentences never carry the value of a secret."""
        self.problems = tuple(problems)
        super().__init__(variables=[name for name, _ in problems])


class PhotoRefused(PackshotError):
    """An uploaded file is not taken; `name` is the operator's file name."""

    def __init__(self, name: str, **data: Any) -> None:
        super().__init__(name=name, **data)


class NotAnImage(PhotoRefused):
    """The bytes are of no known image type."""


class Truncated(PhotoRefused):
    """The file ends early or its pixels are damaged."""


class Animated(PhotoRefused):
    """More than one frame: which one is the product?"""


class Unsupported(PhotoRefused):
    """An image, of a type that is not taken."""

    def __init__(self, name: str, type: str) -> None:
        super().__init__(name, type=type)


class FileTooLarge(PhotoRefused):
    def __init__(self, name: str, limit_mb: float) -> None:
        super().__init__(name, limit_mb=limit_mb)


class TooManyPixels(PhotoRefused):
    def __init__(self, name: str, megapixels: float, limit_mp: float) -> None:
        super().__init__(name, megapixels=round(megapixels, 1), limit_mp=limit_mp)


class OrderRefused(PackshotError):
    """A field of an order has no such value; `allowed` lists what it may be."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(field=field, value=str(value), allowed=allowed)


class ChannelsWrong(PackshotError):
    """The rules of a channel can't be read: `where` is a channel or the file, `rule` its id or "-"."""

    def __init__(self, where: str, rule: str, detail: str) -> None:
        super().__init__(where=where, rule=rule, detail=detail[:200])


class RuleRefused(PackshotError):
    """A value that does not fit a rule; `allowed` says what it may be."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(field=field, value=str(value)[:80], allowed=allowed)


class PresetRefused(PackshotError):
    """A part of a preset is not what it may be: `reason` says why, `found` is what was there, if it says
    anything."""

    def __init__(self, part: str, reason: str, found: str | None = None) -> None:
        super().__init__(part=part, reason=reason, found=found)


class PresetChanged(PackshotError):
    """`who` saved `version` after this one was begun."""

    def __init__(self, who: str, version: int) -> None:
        super().__init__(who=who, version=version)


class PresetSame(PackshotError):
    """Nothing differs from `version`."""

    def __init__(self, version: int) -> None:
        super().__init__(version=version)


class PresetExists(PackshotError):
    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class NoFormerVersion(PackshotError):
    """No other version of the preset was ever in use."""


class LastPreset(PackshotError):
    """It is the only one that is offered."""


class ChannelRefused(PackshotError):
    """The picture that would go to `channel` (its title) breaks `n` rules that block; `findings` are all."""

    def __init__(self, channel: str, n: int, findings: Sequence[Any]) -> None:
        self.findings = tuple(findings)
        super().__init__(channel=channel, n=n)


class TextTooLong(PackshotError):
    """A field of an order has more characters than are kept."""

    def __init__(self, field: str, length: int, limit: int) -> None:
        super().__init__(field=field, length=length, limit=limit)


class TaskExists(PackshotError):
    """A task with this key stands there already."""

    def __init__(self, key: str) -> None:
        super().__init__(key=key)


class AlreadyMade(PackshotError):
    """`n` of the wanted pictures are under way or came within the hour, in the task `task`."""

    def __init__(self, n: int, task: str) -> None:
        self.task = task
        super().__init__(n=n)


class BudgetExhausted(PackshotError):
    """The limit of the day (`whose`: "desk" or "user") can't hold it; `until` is an ISO time."""

    def __init__(self, whose: str, limit_usd: float, until: str) -> None:
        super().__init__(whose=whose, limit=f"{limit_usd:.2f}", until=until)


class PriceUnknown(PackshotError):
    """A limit of the day is set, and nobody knows what this model costs."""

    def __init__(self, model: str) -> None:
        super().__init__(model=model)


class DescriberMissing(PackshotError):
    """GEMINI_THINKING_MODEL, or a key for it, is not set."""


class NotApproved(PackshotError):
    """A picture that is not approved stays here; `channel` (its title): it is, but not for this one."""

    def __init__(self, channel: str | None = None) -> None:
        super().__init__(channel=channel)


class NothingToExport(PackshotError):
    """Of the wanted pictures `n` are there, and none can be exported."""

    def __init__(self, n: int) -> None:
        super().__init__(n=n)


class MetadataLost(PackshotError):
    """The file that was made does not hold the term of IPTC that was written: `found` is what it holds."""

    def __init__(self, wanted: str, found: str | None) -> None:
        super().__init__(wanted=wanted, found=found or "-")


class ViewExists(PackshotError):
    """This person has a saved view of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class TooManyViews(PackshotError):
    """This person has as many saved views as are kept."""

    def __init__(self, most: int) -> None:
        super().__init__(most=most)


class ViewUnnamed(PackshotError):
    """A saved view needs a name."""


class NotJudged(PackshotError):
    """An output in this `state` (or "deleted") can't be judged."""

    def __init__(self, state: str) -> None:
        super().__init__(state=state)


class NothingToUndo(PackshotError):
    """No judgement of the output stands."""


class ReviewConflict(PackshotError):
    """`who` judged it (`verdict`) as the review with the id `seen`, which this reviewer has not seen."""

    def __init__(self, who: str, verdict: str, seen: int) -> None:
        super().__init__(who=who, verdict=verdict, seen=seen)


class NotFound(PackshotError):
    def __init__(self, what: str, key: str) -> None:
        super().__init__(what=what, key=key[:80])


class NotAllowed(PackshotError):
    def __init__(self, role: str) -> None:
        super().__init__(role=role)


class NothingChosen(PackshotError):
    """None of the chosen pictures is there (any more), or none matches."""


class NumberChanged(PackshotError):
    """`confirmed` pictures were confirmed, and the list has `n`: nothing was done."""

    def __init__(self, confirmed: int, n: int) -> None:
        super().__init__(confirmed=confirmed, n=n)


class NotUndone(PackshotError):
    """An act on many that goes on, changed nothing, or can't be taken back."""


class TagEmpty(PackshotError):
    """A tag has to hold a letter or a digit: else nothing finds it."""


class InTrash(PackshotError):
    """The picture was put into the trash meanwhile."""


class AlreadySo(PackshotError):
    """It stands already as the act would make it."""


class ChangedSince(PackshotError):
    """Somebody changed it after the act that is taken back: that stays."""


class NotFailed(PackshotError):
    """Only what failed is asked for again: not what was refused or may have been charged."""


class TooManyTags(PackshotError):
    """It has as many tags as a picture may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class DaysRefused(PackshotError):
    """A rule of keeping takes a whole number of days from 1 to `most`."""

    def __init__(self, value: object, most: int) -> None:
        super().__init__(value=str(value)[:40], most=most)


class PreviewChanged(PackshotError):
    """`shown` pictures were said to go, and now it would be `now`, or by other rules."""

    def __init__(self, shown: int, now: int) -> None:
        super().__init__(shown=shown, now=now)


class StillGoing(PackshotError):
    """An output that waits or is being made can't be deleted."""


class PurgeBegan(PackshotError):
    """The files of an output are being removed for good: it can't be restored."""


class StorageError(PackshotError):
    """The object store did not do what was asked."""


class StorageUnavailable(StorageError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail=detail)


class StorageFull(StorageError):
    pass


class StorageReadOnly(StorageError):
    pass


class StorageClockWrong(StorageError):
    """This machine's time is too far from the store's; `minutes` off, or None."""

    def __init__(self, minutes: int | None) -> None:
        super().__init__(minutes=minutes)


class BucketMissing(StorageError):
    def __init__(self, bucket: str) -> None:
        super().__init__(bucket=bucket)


class StorageKeyUnknown(StorageError):
    """The store does not know the access key."""


class StorageSecretWrong(StorageError):
    """The access key is known, its secret is another one."""


class StorageDenied(StorageError):
    """The key is good, but not for this act on this bucket."""

    def __init__(self, bucket: str) -> None:
        super().__init__(bucket=bucket)


class StorageListDenied(StorageDenied):
    """The key may read, but not list."""


class ObjectError(StorageError):
    """About one object, by its key."""

    def __init__(self, key: str) -> None:
        super().__init__(key=key[:200])


class ObjectMissing(ObjectError):
    """Nothing stands under the key."""


class ObjectExists(ObjectError):
    """Keys are never written twice; other bytes stand there already."""


class ObjectDiffers(ObjectError):
    """What stands under the key is not what was recorded."""


class InvalidKey(ObjectError):
    """No store may take such a key."""


class MostAreGone(StorageError):
    """More recorded objects are `missing` than `there`: this may be another desk's store."""


class DatabaseError(PackshotError):
    """The database did not do what was asked."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail=detail)


class DatabaseUnavailable(DatabaseError):
    """It can't be reached, or the connection broke: whether the last transaction counts is not known."""


class DatabaseCrowded(DatabaseError):
    """It has no connection left."""


class DatabaseRefused(DatabaseError):
    """It doesn't accept the user or the password."""


class DatabaseMissing(DatabaseError):
    """The server has no database of that name."""


class DatabaseHostUnknown(DatabaseError):
    """No server has that name."""


class DatabaseCorrupt(DatabaseError):
    pass


class DatabaseReadOnly(DatabaseError):
    pass


class DatabaseFull(DatabaseError):
    pass


class DatabaseTooNew(DatabaseError):
    """A newer Packshot has changed this database's tables."""


class DatabaseTaken(DatabaseError):
    """Another program's tables stand there."""


class DatabaseBehind(DatabaseError):
    """The tables of this version are not there (yet)."""


class Stopped(PackshotError):
    """An operator stopped it while it waited; nothing was sent."""


class ProcessDied(PackshotError):
    """Its process went away again and again before anything was sent."""


class ProviderError(PackshotError):
    """An outcome of a provider call that is not a picture (facts of each kind: the tree above)."""

    state: ClassVar[OutputState] = OutputState.FAILED
    may_be_charged: ClassVar[bool] = False
    # What the answer reported of the call; None where it reported nothing.
    request_id: str | None = None
    cost_micros: int | None = None
    usage: Mapping[str, Any] = MappingProxyType({})

    def told(self, *, request_id: str | None, **reported: Any) -> Self:
        """The same error with `request_id`, `cost_micros` (millionths of a US dollar) and `usage`."""
        vars(self).update(request_id=request_id, **reported)
        return self


class RateLimited(ProviderError):
    """Too many requests for now; `retry_after` seconds were named, or None."""

    def __init__(self, retry_after: float | None) -> None:
        self.retry_after = retry_after
        super().__init__(s=None if retry_after is None else round(retry_after))


class QuotaExhausted(ProviderError):
    """The day's quota or the credit is gone; `until` is an ISO time in UTC, or None."""

    def __init__(self, until: str | None) -> None:
        super().__init__(until=until)


class Overloaded(ProviderError):
    """The provider says that it is busy."""

    may_be_charged = True


class OutcomeUnknown(ProviderError):
    """Sent, and no whole answer came."""

    state = OutputState.UNKNOWN
    may_be_charged = True


class NotFetched(ProviderError):
    """The picture was made and only linked to; it could not be loaded from `host`."""

    state = OutputState.UNKNOWN
    may_be_charged = True

    def __init__(self, host: str) -> None:
        super().__init__(host=host[:200])


class NotSent(ProviderError):
    """The provider could not be reached: name, connection or TLS failed."""


class Blocked(ProviderError):
    """The model refused at `stage` (prompt or picture) for `reason`, its own word."""

    state = OutputState.BLOCKED
    may_be_charged = True

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(stage=stage, reason=reason)


class NoImage(ProviderError):
    """No picture came back; `text` is what the model wrote instead, or None."""

    may_be_charged = True

    def __init__(self, text: str | None) -> None:
        super().__init__(text=None if text is None else text[:500])


class BadRequest(ProviderError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail=detail[:500])


class Auth(ProviderError):
    """The key is not accepted."""


class ModelNotFound(ProviderError):
    def __init__(self, model: str) -> None:
        super().__init__(model=model)


class AccountLimited(ProviderError):
    """The provider limited the account: nothing more may be sent."""


class BadImage(ProviderError):
    """A picture came that can't be decoded or has the wrong size; its bytes are kept."""

    may_be_charged = True

    def __init__(self, detail: str) -> None:
        super().__init__(detail=detail[:200])


class BadDescription(ProviderError):
    """An answer that is no description. `reason`: NO_TEXT, CUT_OFF, NOT_JSON or WRONG_FIELDS; `fields` names
    the wrong ones; `text` is what came, for the journal."""

    may_be_charged = True

    def __init__(self, reason: str, *, fields: str = "", text: str = "") -> None:
        self.text = text
        super().__init__(reason=reason, fields=fields[:200])


def restored(kind: str, data: Mapping[str, Any]) -> PackshotError:
    """The error that a row keeps as its kind and data. Raises KeyError for a kind that is not one of ours."""
    made: PackshotError = globals()[kind].__new__(globals()[kind])
    PackshotError.__init__(made, **data)
    return made
