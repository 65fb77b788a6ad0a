"""Versions of presets: saved, chosen, taken back, copied, hidden, and what is made with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from core import generation, history, preset_versions, presets, review
from core.database import schema
from core.database.engine import reading, writing
from core.errors import (
    LastPreset,
    NoFormerVersion,
    NotAllowed,
    NotFound,
    OrderRefused,
    PackshotError,
    PresetChanged,
    PresetExists,
    PresetRefused,
    PresetSame,
)
from core.model import Actor, Preset, Role
from core.presets import record as recording
from core.presets.compare import Kind, changes
from core.presets.record import body_of
from core.settings import load_settings
from core.studio import Studio, open_studio
from core.verdicts import Verdict
from tests.conftest import BY, finished, on_both, order, upload

pytestmark = on_both

Desk = Callable[..., Studio]
NAME = "white_bg_front"
MEI = Actor(id="mei@shop.hk", name="Mei", role=Role.ADMIN)


def values(studio: Studio, name: str = NAME, **changed: Any) -> dict[str, Any]:
    """What its active version says, with changes."""
    return {**body_of(presets.find(studio, name, now=True)), **changed}


def saved(studio: Studio, *, by: Actor = BY, seen: int = 1, use: bool = True, **changed: Any) -> Preset:
    changed = changed or {"prompt": "Studio photo. {product}"}
    return preset_versions.save(studio, NAME, values(studio, **changed), seen=seen, use=use, by=by)


def rows(studio: Studio) -> list[Any]:
    """Everything that is kept of presets, and how many events."""
    with reading(studio.engine) as connection:
        found = [connection.execute(sa.select(t)).all() for t in (schema.presets, schema.preset_decisions)]
        return [*found, connection.execute(sa.select(sa.func.count()).select_from(schema.events)).scalar()]


def verbs(studio: Studio) -> list[tuple[str, str]]:
    with reading(studio.engine) as connection:
        e = schema.events.c
        found = connection.execute(sa.select(e.verb, e.actor).where(e.verb.like("preset.%")).order_by(e.id))
        return [(row.verb, row.actor) for row in found]


def test_a_new_desk_has_what_packshot_brings(desk: Desk) -> None:
    opened = desk(work=False)
    assert [p.name for p in presets.offered(opened)] == [p.name for p in presets.shipped()]
    story = preset_versions.story(opened, NAME)
    (only,) = story.versions
    assert (only.preset.version, only.by, only.active) == (1, "packshot", True)
    assert (story.former, story.waiting, story.hidden) == (None, None, False)


def test_a_saved_version_counts_for_what_is_sent_from_then_on(desk: Desk, photo: bytes) -> None:
    opened = desk()
    before = generation.submit(opened, [upload(photo)], order(), by=BY)
    made = saved(opened, prompt="On white, from the front. {product}", ratio="4:5", by=MEI)
    assert (made.version, made.ratio) == (2, "4:5")
    after = generation.submit(opened, [upload(photo, product_name="Tea")], order(), by=BY)
    first, second = (finished(opened, key) for key in (before, after))
    assert (first.task.preset_version, second.task.preset_version) == (1, 2)
    assert second.photos[0].prompt == "On white, from the front. The product is: Tea."
    with reading(opened.engine) as connection:
        o = schema.outputs.c
        found = connection.execute(sa.select(o.preset_version).order_by(o.id)).scalars()
        assert list(found) == [1, 2]
    # Asked for again, it is what the task asked.
    generation.submit(opened, [upload(photo)], order(outputs=2), by=BY, again=True)
    assert [
        e.preset_version for e in history.page(opened, history.Filter(preset=NAME, version=1)).entries
    ] == [1]
    assert verbs(opened) == [("preset.saved", MEI.id), ("preset.activated", MEI.id)]


def test_a_version_can_be_kept_without_being_used(desk: Desk) -> None:
    opened = desk(work=False)
    saved(opened, use=False)
    story = preset_versions.story(opened, NAME)
    assert [(v.preset.version, v.active) for v in story.versions] == [(2, False), (1, True)]
    assert presets.find(opened, NAME).version == 1
    assert preset_versions.activate(opened, NAME, 2, by=BY) == 1
    assert presets.find(opened, NAME).version == 2
    assert preset_versions.activate(opened, NAME, 2, by=BY) == 2
    assert verbs(opened) == [("preset.saved", "local"), ("preset.activated", "local")]


def test_back_is_one_act_and_back_again_another(desk: Desk) -> None:
    opened = desk(work=False)
    with pytest.raises(NoFormerVersion):
        preset_versions.roll_back(opened, NAME, by=BY)
    saved(opened)
    assert preset_versions.story(opened, NAME).former == 1
    assert preset_versions.roll_back(opened, NAME, by=BY) == 1
    assert (presets.find(opened, NAME).version, preset_versions.story(opened, NAME).former) == (1, 2)
    assert preset_versions.roll_back(opened, NAME, by=BY) == 2
    assert [v for v, _ in verbs(opened)][-2:] == ["preset.rolled_back"] * 2


@pytest.mark.parametrize(
    ("changed", "part", "reason"),
    [
        ({"prompt": ""}, "prompt", "empty"),
        ({"prompt": " \x00\n"}, "prompt", "empty"),
        ({"prompt": 7}, "prompt", "choice"),
        ({"prompt": "{product} " + "x" * 4000}, "prompt", "too_long"),
        ({"prompt": "{product} {"}, "prompt", "braces"),
        ({"prompt": "{product} }"}, "prompt", "braces"),
        ({"prompt": "{product} {}"}, "prompt", "place"),
        ({"prompt": "{product} {0}"}, "prompt", "place"),
        ({"prompt": "{product.__class__}"}, "prompt", "place"),
        ({"prompt": "{product!r} {product:>9}"}, "prompt", "place"),
        ({"prompt": "Without it. {{product}}"}, "prompt", "no_product"),
        ({"prompt": "{product} in {style}", "default_style": " "}, "default_style", "empty"),
        ({"ratio": "7:3"}, "ratio", "choice"),
        ({"size": "8K"}, "size", "choice"),
        ({"outputs": 0}, "outputs", "choice"),
        ({"outputs": 6}, "outputs", "choice"),
        ({"outputs": True}, "outputs", "choice"),
        ({"role": "photo"}, "role", "choice"),
        ({"describe": "yes"}, "describe", "choice"),
        ({"describe": 1}, "describe", "choice"),
        ({"picture": "../../etc/passwd"}, "name", "name"),
        ({"titles": {"en": "x" * 61}}, "title.en", "too_long"),
        ({"helps": {"zh": "裏" * 161}}, "help.zh", "too_long"),
        ({"nonsense": 1}, "nonsense", "choice"),
    ],
)
def test_what_a_preset_can_not_be_is_named_and_changes_nothing(
    desk: Desk, changed: dict[str, Any], part: str, reason: str
) -> None:
    opened = desk(work=False)
    was = rows(opened)
    with pytest.raises(PresetRefused) as caught:
        saved(opened, **changed)
    assert (caught.value.data["part"], caught.value.data["reason"]) == (part, reason)
    assert rows(opened) == was


def test_other_mistakes_change_nothing(desk: Desk) -> None:
    opened = desk(work=False)
    good, titles = values(opened, prompt="{product}"), {"en": "Mine", "zh": "我的"}
    operator = replace(BY, role=Role.REVIEWER)
    missing = {name: value for name, value in good.items() if name != "ratio"}
    wrong: list[tuple[type[PackshotError], Callable[[], object]]] = [
        (NotAllowed, lambda: preset_versions.save(opened, NAME, good, seen=1, by=operator)),
        (NotAllowed, lambda: preset_versions.activate(opened, NAME, 1, by=operator)),
        (NotAllowed, lambda: preset_versions.roll_back(opened, NAME, by=operator)),
        (NotAllowed, lambda: preset_versions.copy(opened, NAME, "mine", titles, by=operator)),
        (NotAllowed, lambda: preset_versions.offer(opened, NAME, False, by=operator)),
        (
            NotFound,
            lambda: preset_versions.save(opened, "no\0such", {**good, "titles": titles}, seen=9, by=BY),
        ),
        (NotFound, lambda: preset_versions.activate(opened, NAME, 2, by=BY)),
        (NotFound, lambda: preset_versions.activate(opened, NAME, 2**63 - 1, by=BY)),
        (NotFound, lambda: preset_versions.roll_back(opened, "none", by=BY)),
        (NotFound, lambda: preset_versions.copy(opened, "none", "mine", titles, by=BY)),
        (NotFound, lambda: preset_versions.offer(opened, "none", False, by=BY)),
        (NotFound, lambda: preset_versions.story(opened, "none")),
        (PresetRefused, lambda: preset_versions.save(opened, NAME, missing, seen=1, by=BY)),
        (PresetRefused, lambda: preset_versions.save(opened, NAME, good, seen=1, by=BY, note="x" * 201)),
        (PresetSame, lambda: preset_versions.save(opened, NAME, values(opened), seen=1, by=BY)),
        (PresetExists, lambda: preset_versions.copy(opened, NAME, "flat_lay", titles, by=BY)),
        (PresetRefused, lambda: preset_versions.copy(opened, NAME, "../x", titles, by=BY)),
        (PresetRefused, lambda: preset_versions.copy(opened, NAME, "Größe", titles, by=BY)),
        (PresetRefused, lambda: preset_versions.copy(opened, NAME, "mine", {"en": "Mine"}, by=BY)),
    ]
    was = rows(opened)
    for error, act in wrong:
        with pytest.raises(error):
            act()
    assert rows(opened) == was


def test_of_two_who_edit_at_once_the_later_is_told(desk: Desk) -> None:
    opened = desk(work=False)
    barrier, refused = threading.Barrier(2), []

    def edit(by: Actor, prompt: str) -> None:
        mine = values(opened, prompt=prompt)
        barrier.wait()
        try:
            preset_versions.save(opened, NAME, mine, seen=1, by=by)
        except PresetChanged as error:
            refused.append((error.data, by, mine))

    people = [
        threading.Thread(target=edit, args=(by, f"{{product}} {by.id}"))
        for by in (MEI, replace(MEI, id="bo"))
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    ((data, by, mine),) = refused
    assert data["version"] == 2 and data["who"] != by.id
    assert preset_versions.save(opened, NAME, mine, seen=2, by=by).version == 3


def test_the_same_words_again_are_no_new_version(desk: Desk) -> None:
    opened = desk(work=False)
    saved(opened)
    with pytest.raises(PresetSame) as caught:
        preset_versions.save(
            opened, NAME, body_of(preset_versions.story(opened, NAME).versions[1].preset), seen=2, by=BY
        )
    assert caught.value.data["version"] == 1


def test_names_follow_the_catalogue_until_they_are_changed(desk: Desk) -> None:
    opened = desk(work=False)
    kept = saved(opened, titles={"en": "White, front", "zh": "正面白底"}, prompt="{product}.")
    assert kept.titles == {"zh": "正面白底"}


def test_a_copy_is_a_preset_of_its_own(desk: Desk, photo: bytes) -> None:
    opened = desk()
    saved(opened, prompt="Mine. {product}")
    made = preset_versions.copy(opened, NAME, "mine", {"en": "Mine", "zh": "我的"}, by=BY)
    assert (made.version, made.prompt, made.picture) == (1, "Mine. {product}", NAME)
    assert [p.name for p in presets.offered(opened)][-1] == "mine"
    key = generation.submit(opened, [upload(photo)], order(preset="mine"), by=BY)
    assert preset_versions.picture(opened, "mine") is None
    (output,) = finished(opened, key).outputs
    review.decide(opened, output.key, Verdict.APPROVED, by=BY)
    assert preset_versions.picture(opened, "mine") == output.thumb_key
    again = preset_versions.copy(opened, "mine", "mine_2", {"en": "More", "zh": "更多"}, by=BY)
    assert again.helps == made.helps and made.helps["en"]


def test_what_is_hidden_is_not_offered_but_there(desk: Desk, photo: bytes) -> None:
    opened = desk(work=False)
    preset_versions.offer(opened, NAME, False, by=BY)
    preset_versions.offer(opened, NAME, False, by=BY)
    assert NAME not in {p.name for p in presets.offered(opened)}
    generation.submit(opened, [upload(photo)], order(), by=BY)
    saved(opened)
    assert preset_versions.story(opened, NAME).hidden
    preset_versions.offer(opened, NAME, True, by=BY)
    assert presets.offered(opened)[1].version == 2
    assert [v for v, _ in verbs(opened)] == [
        "preset.hidden", "preset.saved", "preset.activated", "preset.shown"
    ]  # fmt: skip


def test_one_preset_stays_offered(desk: Desk) -> None:
    opened = desk(work=False)
    first, *others = presets.offered(opened)
    for preset in others:
        preset_versions.offer(opened, preset.name, False, by=BY)
    with pytest.raises(LastPreset):
        preset_versions.offer(opened, first.name, False, by=BY)
    assert presets.offered(opened) == (first,)


def upgraded(monkeypatch: pytest.MonkeyPatch, prompt: str) -> None:
    """The next Packshot brings another text."""
    brought = tuple(
        replace(preset, prompt=prompt) if preset.name == NAME else preset for preset in presets.shipped()
    )
    monkeypatch.setattr(recording, "shipped", lambda: brought)


def test_an_upgrade_counts_where_nobody_chose(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    upgraded(monkeypatch, "Newer. {product}")
    for _ in range(2):
        recording.record(opened)
        assert (presets.find(opened, NAME).version, presets.find(opened, NAME).prompt) == (
            2,
            "Newer. {product}",
        )
    assert preset_versions.story(opened, NAME).waiting is None
    assert len(preset_versions.story(opened, "flat_lay").versions) == 1


def test_an_upgrade_waits_where_somebody_chose(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = desk(work=False)
    saved(opened, prompt="Ours. {product}")
    upgraded(monkeypatch, "Newer. {product}")
    for _ in range(2):
        recording.record(opened)
    story = preset_versions.story(opened, NAME)
    assert (story.active.preset.prompt, story.newest, story.waiting) == ("Ours. {product}", 3, 3)
    # Whoever began before is told of it as of any other version.
    with pytest.raises(PresetChanged):
        saved(opened, prompt="{product}", seen=2)
    preset_versions.activate(opened, NAME, 3, by=BY)
    assert preset_versions.story(opened, NAME).waiting is None


def test_versions_that_kept_their_prompt_alone_are_completed(desk: Desk) -> None:
    opened = desk(work=False)
    with writing(opened.engine) as connection:
        p = schema.presets.c
        for row in connection.execute(sa.select(schema.presets)).all():
            body = {"prompt": row.body["prompt"]}
            connection.execute(sa.update(schema.presets).where(p.id == row.id).values(body=body))
        connection.execute(sa.delete(schema.preset_decisions))
    recording.record(opened)
    story = preset_versions.story(opened, NAME)
    assert [v.preset.version for v in story.versions] == [1] and story.active.preset.ratio == "1:1"


def test_another_process_is_followed(desk: Desk, database_url: str, tmp_path: Any, photo: bytes) -> None:
    opened = desk(work=False)
    assert presets.find(opened, NAME).version == 1
    settings = load_settings(app_secret="a secret for tests", database_url=database_url, upload_dir=tmp_path)
    with open_studio(settings, work=False) as other:
        saved(other)
    # A page may know it some seconds later; what is sent never.
    key = generation.submit(opened, [upload(photo)], order(), by=BY)
    assert generation.view(opened, key).task.preset_version == 2
    assert presets.find(opened, NAME).version == 2


def test_without_its_database_a_desk_shows_what_it_knows(desk: Desk, photo: bytes) -> None:
    opened = desk(work=False)
    saved(opened)
    assert presets.find(opened, NAME).version == 2
    with writing(opened.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE preset_decisions RENAME TO elsewhere")
    opened.shelf.until = 0.0
    assert presets.find(opened, NAME).version == 2
    with pytest.raises(PackshotError):
        presets.find(opened, NAME, now=True)
    with pytest.raises(PackshotError):
        generation.submit(opened, [upload(photo)], order(), by=BY)
    with writing(opened.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO preset_decisions")


def test_what_counts_is_known_without_asking(desk: Desk) -> None:
    opened = desk(work=False)
    presets.offered(opened)
    statements: list[str] = []
    sa.event.listen(opened.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    for _ in range(100):
        presets.offered(opened), presets.every(opened), presets.find(opened, NAME)
        presets.on_white(opened, NAME, 1)
    assert statements == []
    opened.shelf.until = 0.0
    presets.offered(opened)
    assert len([s for s in statements if s.startswith("SELECT")]) == 1


def test_a_preset_nobody_knows_is_refused(desk: Desk, photo: bytes) -> None:
    opened = desk(work=False)
    with pytest.raises(OrderRefused):
        generation.submit(opened, [upload(photo)], order(preset="none"), by=BY)
    assert presets.on_white(opened, "none", 1) is False
    assert presets.on_white(opened, NAME, 99) is True


def test_what_differs_is_told_by_part_and_by_word(desk: Desk) -> None:
    before = presets.find(desk(work=False), NAME)
    after = replace(before, prompt=before.prompt.replace("even studio light", "soft daylight"), outputs=3)
    prompt, outputs = changes(before, after)
    assert [p.text.strip() for p in prompt.pieces if p.kind is Kind.REMOVED] == ["even studio light"]
    assert [p.text.strip() for p in prompt.pieces if p.kind is Kind.ADDED] == ["soft daylight"]
    assert (outputs.part, outputs.before, outputs.after, outputs.pieces) == ("outputs", 1, 3, ())
    assert changes(before, replace(before, version=9)) == ()
