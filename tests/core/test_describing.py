"""A description is paid for once, kept whatever happens, and says what the operator lets stand."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core import again, budget, clock, describing, generation, language, questions
from core.database import provider_states, schema
from core.database.engine import reading, writing
from core.errors import (
    Auth,
    BadDescription,
    Blocked,
    BudgetExhausted,
    DescriberMissing,
    NotAllowed,
    OrderRefused,
    OutcomeUnknown,
    PackshotError,
    PriceUnknown,
    RateLimited,
    TextTooLong,
    Truncated,
)
from core.model import Actor, Description, Role
from core.providers import prices
from core.settings import load_settings
from core.studio import Studio, open_studio
from tests.conftest import BY, on_both, order, upload
from tests.parts.model_rules import FACTS, TEXT
from tests.parts.models import KEY, ModelServer, Reply, google_error, words_answer

pytestmark = on_both
Open = Callable[..., Studio]
EACH = 5_500
"""Micro-dollars of one description, estimated; 1,650 are reported."""
SAID = Description(**{**FACTS, "key_features": tuple(FACTS["key_features"])})


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    table = prices._table()
    texts = {TEXT: {"tokens_in": "0.50", "tokens_out": "3"}}
    monkeypatch.setattr(prices, "_table", lambda: {**table, "gemini": {**table["gemini"], "texts": texts}})


@pytest.fixture
def shop(tmp_path: Path, server: ModelServer, database_url: str) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(**overrides: Any) -> Studio:
            values = {
                "database_url": database_url,
                "upload_dir": tmp_path / "media",
                "app_secret": "a secret for tests",
                "gemini_api_key": KEY,
                "google_gemini_base_url": server.base,
                "gemini_thinking_model": TEXT,
                "provider_concurrency": 8,
                **overrides,
            }
            return stack.enter_context(open_studio(load_settings(**values), work=False))

        yield opened


def photo(n: int = 0, size: tuple[int, int] = (320, 240)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (n * 7 % 256, n % 256, 90)).save(out, "PNG")
    return out.getvalue()


def rows(desk: Studio) -> list[Any]:
    with reading(desk.engine) as connection:
        return list(connection.execute(sa.select(schema.descriptions).order_by(schema.descriptions.c.id)))


def events(desk: Studio) -> list[tuple[str, str, Any]]:
    with reading(desk.engine) as connection:
        found = connection.execute(sa.select(schema.events).order_by(schema.events.c.id))
        return [(row.verb, row.actor, row.data) for row in found if row.verb.startswith("photo.")]


def money(desk: Studio) -> tuple[int, int, int]:
    spend = budget.today(desk)
    assert budget.today(desk, BY).used == spend.used
    return spend.spent, spend.possible, spend.reserved


@pytest.mark.usefixtures("priced")
def test_a_photo_is_described_paid_and_kept(shop: Open, server: ModelServer) -> None:
    desk = shop(daily_budget_usd=1)
    data = photo(size=(2400, 1200))
    assert describing.describe(desk, upload(data, "bag.png"), by=BY) == SAID
    (row,) = rows(desk)
    assert (row.provider, row.model, row.outcome) == ("gemini", TEXT, "described")
    assert row.sha256 == describing.photo_hash(data)
    assert (row.reserved_micros, row.cost_micros, row.provider_request_id) == (EACH, 1_650, "resp-7")
    assert row.answered_at >= row.sent_at and row.payer == BY.id
    assert money(desk) == (1_650, 0, 0)
    ((verb, actor, told),) = events(desk)
    assert (verb, actor, told["photo"]) == ("photo.described", BY.id, row.sha256)
    (seen,) = server.asked
    sent = base64.b64decode(seen.body["contents"][0]["parts"][1]["inlineData"]["data"])
    with Image.open(io.BytesIO(sent)) as small:
        assert (small.format, small.size) == ("JPEG", (1024, 512))


def test_the_same_photo_is_asked_about_once_in_thirty_days(shop: Open, server: ModelServer) -> None:
    desk = shop()
    describing.describe(desk, upload(photo(), "a.png"), by=BY)
    other = shop()  # Another process, another tab, another name.
    name = describing.photo_hash(photo())
    assert describing.remembered(other, [name]) == {name: SAID}
    assert describing.describe(other, upload(photo(), "b.png"), by=BY) == SAID
    assert len(server.asked) == 1
    describing.describe(desk, upload(photo()), by=BY, again=True)
    assert len(server.asked) == 2
    describing.describe(
        shop(gemini_thinking_model="gemini-3-pro-image"), upload(photo()), by=BY
    ) if 0 else None
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.descriptions).values(sent_at=clock.now() - timedelta(days=31)))
    assert describing.remembered(desk, [name]) == {}
    describing.describe(desk, upload(photo()), by=BY)
    assert len(server.asked) == 3


def test_many_who_ask_at_once_pay_once(shop: Open, server: ModelServer) -> None:
    server.script = [Reply(delay=0.5)]
    desks = [shop(), shop()]
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(describing.describe, desks[n % 2], upload(photo()), by=BY, again=n > 5)
            for n in range(8)
        ]
        assert [future.result() for future in asked] == [SAID] * 8
    assert len(server.asked) == len(rows(desks[0])) == 1


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize(
    ("answer", "kind", "state", "sentence"),
    [
        (
            Reply(body=words_answer("A bag of rice.")),
            BadDescription,
            (0, 1_650),
            "is no description: it is not in the form that was asked for. It may have been charged.",
        ),
        (
            Reply(body=words_answer(None, finish="SAFETY", usageMetadata={})),
            Blocked,
            (EACH, None),
            "would not describe it: its safety rules. It may have been charged. Go on without.",
        ),
        (
            Reply(drop="before"),
            OutcomeUnknown,
            (EACH, None),
            "no answer came. It may have been charged. Describe again (may charge twice), or go on",
        ),
        (
            Reply(status=429, body=google_error(429, "RESOURCE_EXHAUSTED", "No.")),
            RateLimited,
            (0, None),
            "Nothing was charged. Wait a minute",
        ),
    ],
)
def test_what_brings_no_description_is_told_counted_and_not_sent_again(
    shop: Open,
    server: ModelServer,
    answer: Reply,
    kind: type[PackshotError],
    state: tuple[int, int | None],
    sentence: str,
) -> None:
    server.script = [answer]
    desk = shop()
    with pytest.raises(kind) as raised:
        describing.describe(desk, upload(photo()), by=BY)
    assert len(server.asked) == 1
    possible, cost = state
    assert money(desk) == (cost or 0, possible, 0)
    (row,) = rows(desk)
    assert (row.outcome, row.cost_micros) == (kind.__name__, cost)
    assert events(desk)[0][0] == "photo.not_described" and events(desk)[0][2]["kind"] == kind.__name__
    said = language.words("en").sentence(raised.value.kind, raised.value.data, about="describe")
    assert sentence in said
    assert describing.describe(desk, upload(photo()), by=BY) == SAID, "a person may ask again"
    assert len(server.asked) == 2


def test_a_paid_answer_that_is_no_description_stays_in_the_table(shop: Open, server: ModelServer) -> None:
    server.script = [Reply(body=words_answer("A bag \x00 of rice. " * 1000))]
    desk = shop()
    with pytest.raises(BadDescription):
        describing.describe(desk, upload(photo()), by=BY)
    (row,) = rows(desk)
    assert row.body["text"].startswith("A bag ") and len(row.body["text"]) == 8000
    assert row.body["error"] == {"reason": "NOT_JSON", "fields": ""}


def test_signs_that_no_screen_should_get_are_cleaned(shop: Open, server: ModelServer) -> None:
    nasty = {**FACTS, "headline": "a\u202eb\x07c", "key_features": ["x\ny", "\x00"], "prompt": "\ud800"}
    server.script = [Reply(body=words_answer(json.dumps(nasty)))]
    desk = shop()
    found = describing.describe(desk, upload(photo()), by=BY)
    assert (found.headline, found.key_features, found.prompt) == ("a b c", ("x y",), "")
    assert describing.describe(desk, upload(photo()), by=BY) == found


@pytest.mark.usefixtures("priced")
def test_forty_at_once_on_a_budget_for_ten_make_ten_calls(shop: Open, server: ModelServer) -> None:
    # Each costs 1,650 in the end: it counts as 5,500 while it is out, and answers come late enough.
    server.script = [Reply(delay=1.5) for _ in range(40)]
    desk = shop(daily_budget_usd=EACH * 10 / 1e6)

    def ask(n: int) -> bool:
        try:
            describing.describe(desk, upload(photo(n)), by=BY)
        except BudgetExhausted:
            return False
        return True

    with ThreadPoolExecutor(40) as pool:
        assert sum(pool.map(ask, range(40))) == 10
    assert len(server.asked) == len(rows(desk)) == 10
    assert money(desk) == (16_500, 0, 0)


def test_an_unknown_price_needs_a_word_while_a_limit_is_set(shop: Open, server: ModelServer) -> None:
    desk = shop(user_daily_budget_usd=1)
    with pytest.raises(PriceUnknown):
        describing.describe(desk, upload(photo()), by=BY)
    assert (server.asked, rows(desk)) == ([], [])
    assert describing.describe(desk, upload(photo()), by=BY, unpriced_ok=True) == SAID
    (row,) = rows(desk)
    assert (row.reserved_micros, row.cost_micros) == (0, None)


@pytest.mark.usefixtures("priced")
def test_a_question_whose_process_died_may_have_been_charged(shop: Open, server: ModelServer) -> None:
    desk = shop()
    call = questions.journal(desk, desk.describer, describing.photo_hash(photo()), EACH, BY, again=False)
    assert isinstance(call, questions.Call) and money(desk) == (0, 0, EACH)
    questions.give_up(desk)
    assert money(desk) == (0, 0, EACH), "it may still be under way"
    with writing(desk.engine) as connection:
        connection.execute(sa.update(schema.descriptions).values(sent_at=clock.now() - timedelta(minutes=6)))
    assert describing.describe(desk, upload(photo()), by=BY) == SAID
    assert (money(desk), [row.outcome for row in rows(desk)]) == ((1_650, EACH, 0), ["lost", "described"])
    # It lived after all: its answer counts, and nothing counts twice.
    late = call.describer.describe(describing.DescribeRequest(model=TEXT, photo=jpeg()))
    for _ in range(2):
        questions.end(desk, call, late, "described", {"facts": dict(FACTS)})
    assert money(desk) == (3_300, 0, 0)


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "JPEG")
    return out.getvalue()


def test_a_pause_that_was_asked_for_is_kept_by_all(shop: Open, server: ModelServer) -> None:
    limit = google_error(429, "RESOURCE_EXHAUSTED", "Slow down. Please retry in 1.5s.")
    server.script = [Reply(status=429, body=limit)]
    desk, other = shop(), shop()
    with pytest.raises(RateLimited) as raised:
        describing.describe(desk, upload(photo()), by=BY)
    assert "goes on" not in language.words("en").error(raised.value)
    describing.describe(other, upload(photo()), by=BY)
    with reading(desk.engine) as connection:
        (state,) = provider_states.all_of(connection)
    assert rows(desk)[1].sent_at >= state.cooldown_until


def test_who_or_what_may_not_ask_sends_nothing(shop: Open, server: ModelServer) -> None:
    desk = shop()
    viewer = Actor(id="v", name="v", role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        describing.describe(desk, upload(photo()), by=viewer)
    with pytest.raises(Truncated):
        describing.describe(desk, upload(photo()[:400]), by=BY)
    with pytest.raises(DescriberMissing):
        describing.describe(shop(gemini_thinking_model=None), upload(photo()), by=BY)
    with writing(desk.engine) as connection:
        provider_states.stop(connection, "gemini", "Auth", {}, None)
    with pytest.raises(Auth):
        describing.describe(desk, upload(photo()), by=BY)
    assert (server.asked, rows(desk)) == ([], [])


def test_the_operators_facts_make_the_prompt_and_stay_with_the_photo(shop: Open, server: ModelServer) -> None:
    desk = shop()
    facts = {**FACTS, "key_features": ["5 kg", "new \x00 harvest"], "strange": {"x": 1}}
    made = generation.submit(
        desk,
        [
            upload(photo(1), description=facts),
            upload(photo(2), product_name="Golden Phoenix rice", description=FACTS),
            upload(photo(3), product_name="Golden Phoenix rice"),
            upload(photo(4), description={"headline": " ", "key_features": []}),
        ],
        order(preset="in_use", model="gemini-nano-banana-2.1", ratio="1:1"),
        by=BY,
    )
    first, named, plain, empty = generation.view(desk, made).photos
    assert (
        "The product: Jasmine rice. A blue paper bag of rice. The label reads 香米 5 kg. "
        "Features: 5 kg; new harvest. Where these words and the photo differ, the photo is right."
    ) in first.prompt
    assert first.description == {**FACTS, "key_features": ["5 kg", "new   harvest"]}
    assert "The product: Golden Phoenix rice. A blue paper bag" in named.prompt
    assert "The product is: Golden Phoenix rice." in plain.prompt and plain.description is None
    assert empty.description is None and "product:" not in empty.prompt
    for seen in (first, named):
        assert "Keep the product exactly as it is" in seen.prompt
        assert FACTS["headline"] not in seen.prompt, "no lettering comes of it"
    assert again.upload_of(desk, first).description == first.description


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"description": "x" * 2001}, TextTooLong),
        ({"key_features": ["x" * 201]}, TextTooLong),
        ({"key_features": ["x"] * 13}, OrderRefused),
    ],
)
def test_facts_above_the_limits_are_refused(
    shop: Open, facts: dict[str, Any], error: type[PackshotError]
) -> None:
    desk = shop()
    with pytest.raises(error):
        generation.submit(
            desk,
            [upload(photo(), description=facts)],
            order(model="gemini-nano-banana-2.1", ratio="1:1"),
            by=BY,
        )
    assert desk.store.list().objects == ()


def test_closing_the_desk_waits_for_what_was_sent(
    tmp_path: Path, server: ModelServer, database_url: str
) -> None:
    server.script = [Reply(delay=0.7)]
    settings = load_settings(
        database_url=database_url,
        upload_dir=tmp_path / "media",
        app_secret="a secret for tests",
        gemini_api_key=KEY,
        google_gemini_base_url=server.base,
        gemini_thinking_model=TEXT,
    )
    with open_studio(settings, work=False) as desk:
        asked = desk.asking.submit(describing.describe, desk, upload(photo()), by=BY)
        while not server.asked:
            pass
    assert asked.result(timeout=0) == SAID
    with open_studio(settings, work=False) as desk:
        assert [row.outcome for row in rows(desk)] == ["described"]
