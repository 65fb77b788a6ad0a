"""Approve a picture for a channel: by the copy that is exported, and with what its rules found."""

from __future__ import annotations

from dataclasses import dataclass

from core import review
from core.checks import channels
from core.checks.fix import Prepared, prepare
from core.checks.judge import Finding, blocking
from core.checks.rules import Channel
from core.database import tasks
from core.database.engine import reading
from core.errors import ChannelRefused, NotAllowed, NotFound, NotJudged, TextTooLong
from core.images.metadata import source_type_of
from core.model import Actor, Output, OutputState, Role
from core.review import Review, Verdict
from core.studio import Studio
from core.text import clean

MAX_OVERRIDE = 500
"""Characters of a reason."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A picture as a channel would get it. Nothing is decided by looking."""

    channel: Channel
    output: Output
    prepared: Prepared

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The rules that block."""
        return blocking(self.prepared.findings)


@dataclass(frozen=True, kw_only=True)
class Approval:
    """`findings` are of the exported bytes; `override` is why it was approved all the same, or empty."""

    review: Review
    channel: Channel
    findings: tuple[Finding, ...]
    override: str


def look(studio: Studio, output_key: str, channel: str) -> Look:
    """Make the copy and judge it. Raises NotFound, NotJudged for an output without a picture, OrderRefused
    for a channel that is not there, ChannelsWrong, BadImage, StorageError and DatabaseError kinds."""
    found = channels.find(studio, channel)
    with reading(studio.engine) as connection:
        output = tasks.output_by_key(connection, output_key)
    if output is None:
        raise NotFound("output", output_key)
    if output.state is not OutputState.SUCCEEDED or not output.object_key or output.deleted_at:
        raise NotJudged("deleted" if output.deleted_at else output.state)
    data = studio.store.get(output.object_key)
    prepared = prepare(data, found, source_type=source_type_of(output.provider))
    return Look(channel=found, output=output, prepared=prepared)


def approve(
    studio: Studio, output_key: str, channel: str, *, by: Actor, override: str = "", seen: int | None = None
) -> Approval:
    """Approve for a channel. `override` is an administrator's reason where a rule that blocks is not met;
    `seen` as `review.decide` takes it.

    Nothing is kept when it raises: ChannelRefused with all findings, NotAllowed, TextTooLong, and what `look`
    and `review.decide` raise.
    """
    if not by.role.may(Role.REVIEWER):
        raise NotAllowed(Role.REVIEWER)
    reason = clean(override).strip()
    if reason and not by.role.may(Role.ADMIN):
        raise NotAllowed(Role.ADMIN)
    if len(reason) > MAX_OVERRIDE:
        raise TextTooLong("override", len(reason), MAX_OVERRIDE)
    found = look(studio, output_key, channel)
    refused = found.refused
    if refused and not reason:
        raise ChannelRefused(found.channel.title, len(refused), found.prepared.findings)
    # A reason that was not needed is none.
    reason = reason if refused else ""
    kept = review.decide(
        studio,
        output_key,
        Verdict.APPROVED,
        by=by,
        seen=seen,
        channel=found.channel.name,
        findings=[finding.as_json() for finding in found.prepared.findings],
        override=reason,
    )
    return Approval(review=kept, channel=found.channel, findings=found.prepared.findings, override=reason)
