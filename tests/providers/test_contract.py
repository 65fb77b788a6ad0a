"""The model server is right where the vendors' own SDKs accept it, our requests where they equal theirs."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from core.providers import models
from core.providers.sizes import RATIOS
from tests.parts import model_rules
from tests.parts.models import KEY, ModelServer, Reply, gemini_answer, google_error, listed_answer, picture
from tests.providers.conftest import Provide, wanted

with warnings.catch_warnings():
    # google-genai and openai deprecate parts of their own at import.
    warnings.simplefilter("ignore", DeprecationWarning)
    from google import genai
    from google.genai import errors, types
    from openai import OpenAI


@pytest.fixture
def google(server: ModelServer) -> Iterator[genai.Client]:
    client = genai.Client(
        api_key=KEY, http_options=types.HttpOptions(base_url=server.base, api_version="v1beta")
    )
    yield client
    client.close()


@pytest.fixture
def openai(server: ModelServer) -> Iterator[OpenAI]:
    with OpenAI(api_key=KEY, base_url=f"{server.base}/v1", max_retries=0) as client:
        yield client


def small(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


PHOTOS = tuple(small(colour) for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200)))


def by_sdk(google: genai.Client, model: str, ratio: str, size: str | None, photos: tuple[bytes, ...]) -> Any:
    parts = [types.Part.from_text(text="Put this on white")]
    parts += [types.Part.from_bytes(data=photo, mime_type="image/jpeg") for photo in photos]
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio=ratio, image_size=size)
    )
    contents = types.Content(role="user", parts=parts)
    return google.models.generate_content(model=model, contents=contents, config=config)


CASES = [
    (model, ratio, size, number)
    for model, number in (
        ("gemini-nano-banana-2.1", 1),
        ("gemini-3-pro-image", 3),
        ("gemini-3.1-flash-lite-image", 2),
    )
    for ratio in models.find("gemini", model).info.ratios
    for size in models.find("gemini", model).info.sizes[:2]
] + [("gemini-nano-banana-2.1", "1:1", "4K", 2)]


@pytest.mark.parametrize(("model", "ratio", "size", "number"), CASES)
def test_our_request_is_googles(
    server: ModelServer,
    provider: Provide,
    google: genai.Client,
    model: str,
    ratio: str,
    size: str,
    number: int,
) -> None:
    sends_size = models.find("gemini", model).sends_size
    answer = by_sdk(google, model, ratio, size if sends_size else None, PHOTOS[:number])
    blob = answer.candidates[0].content.parts[0].inline_data
    ours = provider("gemini").generate(wanted(*PHOTOS[:number], model=model, ratio=ratio, size=size))
    theirs_seen, ours_seen = server.asked
    assert ours_seen.path == theirs_seen.path
    assert ours_seen.headers["x-goog-api-key"] == theirs_seen.headers["x-goog-api-key"]
    assert model_rules.normal(ours_seen.body) == model_rules.normal(theirs_seen.body)
    assert ours.data == blob.data
    with Image.open(io.BytesIO(ours.data)) as made:
        assert made.size[0] * made.size[1] > 0.9 * 1024 * 1024 * {"1K": 1, "2K": 4, "4K": 16}[size]


def test_the_version_in_the_address_is_kept(server: ModelServer, provider: Provide) -> None:
    provider("gemini", base=f"{server.base}/v1").generate(wanted(PHOTOS[0]))
    assert server.asked[0].path.startswith("/v1/models/")


@pytest.mark.parametrize(
    "body",
    [
        gemini_answer(picture((64, 64))),
        gemini_answer({"text": "thinking", "thought": True}, picture((64, 64)), finish="STOP"),
        gemini_answer("I can only describe it."),
        gemini_answer(finish="IMAGE_SAFETY"),
        gemini_answer(finish="PUP_LIMITED_DISABLED"),
        gemini_answer(finish="A_REASON_TO_COME"),
        gemini_answer(finish=None),
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}},
    ],
)
@pytest.mark.filterwarnings("ignore:A_REASON_TO_COME is not a valid FinishReason:UserWarning")
def test_google_reads_every_answer(server: ModelServer, google: genai.Client, body: Any) -> None:
    server.script = [Reply(body=body)]
    answer = by_sdk(google, "gemini-nano-banana-2.1", "1:1", "1K", PHOTOS[:1])
    assert isinstance(answer, types.GenerateContentResponse)
    assert bool(answer.candidates) == bool(body.get("candidates"))
    if not answer.candidates:
        assert answer.prompt_feedback and answer.prompt_feedback.block_reason


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (400, "INVALID_ARGUMENT", errors.ClientError),
        (429, "RESOURCE_EXHAUSTED", errors.ClientError),
        (503, "UNAVAILABLE", errors.ServerError),
    ],
)
def test_google_reads_every_error(
    server: ModelServer, google: genai.Client, code: int, status: str, kind: type[errors.APIError]
) -> None:
    server.script = [Reply(status=code, body=google_error(code, status, "No."))]
    with pytest.raises(kind) as raised:
        by_sdk(google, "gemini-nano-banana-2.1", "1:1", "1K", PHOTOS[:1])
    assert (raised.value.code, raised.value.status, raised.value.message) == (code, status, "No.")


@pytest.mark.parametrize(
    ("model", "ratio", "size"),
    [
        ("gemini-nano-banana-2.1", "7:1", "1K"),
        ("gemini-nano-banana-2.1", "1:1", "1k"),
        ("gemini-3.1-flash-lite-image", "1:1", "1K"),
        ("gemini-3-pro-image", "1:8", "1K"),
        ("no-such-model", "1:1", "1K"),
    ],
)
def test_the_server_refuses_what_google_refuses(
    server: ModelServer, google: genai.Client, model: str, ratio: str, size: str
) -> None:
    with pytest.raises(errors.ClientError) as raised:
        by_sdk(google, model, ratio, size, PHOTOS[:1])
    assert raised.value.code == (404 if model == "no-such-model" else 400)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("ratio", RATIOS)
def test_our_edit_is_openais(
    server: ModelServer, provider: Provide, openai: OpenAI, ratio: str, number: int
) -> None:
    ours = provider("openai").generate(wanted(*PHOTOS[:number], model="gpt-image-2", ratio=ratio, size="1K"))
    sent = dict(server.asked[0].body)
    files = [(f"{n}.jpg", photo, "image/jpeg") for n, photo in enumerate(PHOTOS[:number], 1)]
    image: Any = files if number > 1 else files[0]
    answer = openai.images.edit(
        model="gpt-image-2", prompt="Put this on white", image=image, size=sent["size"]
    )
    ours_seen, theirs_seen = server.asked
    assert sorted(ours_seen.body, key=str) == sorted(theirs_seen.body, key=str)
    assert [value for _, value in ours_seen.body if isinstance(value, tuple)] == [
        (name, kind, data) for name, data, kind in files
    ]
    assert ours_seen.headers["authorization"] == theirs_seen.headers["authorization"]
    assert answer.data and base64.b64decode(answer.data[0].b64_json or "") == ours.data
    assert answer.usage and ours.usage == answer.usage.model_dump(exclude_none=True)


def test_our_generation_is_openais(server: ModelServer, provider: Provide, openai: OpenAI) -> None:
    from core.providers import ImageRequest

    request = ImageRequest(
        model="gpt-image-2", prompt="Put this on white", photos=(), ratio="1:1", size="1K", variant=1
    )
    provider("openai").generate(request)
    openai.images.generate(model="gpt-image-2", prompt="Put this on white", size="1024x1024")
    ours, theirs = server.asked
    assert ours.body == theirs.body


@pytest.mark.parametrize("number", [1, 3])
def test_the_gateways_request_is_openais_with_photos(
    server: ModelServer, provider: Provide, openai: OpenAI, number: int
) -> None:
    """`image` and `aspect_ratio` are the gateway's own; the rest and the answer are OpenAI's."""
    own = {"image": [base64.b64encode(photo).decode() for photo in PHOTOS[:number]], "aspect_ratio": "4:5"}
    answer = openai.images.generate(
        model="nano-banana-2", prompt="Put this on white", response_format="b64_json", extra_body=own
    )
    ours = provider("gateway").generate(wanted(*PHOTOS[:number], model="nano-banana-2", ratio="4:5"))
    theirs_seen, ours_seen = server.asked
    assert ours_seen.path == theirs_seen.path
    assert ours_seen.body == theirs_seen.body
    assert answer.data and base64.b64decode(answer.data[0].b64_json or "") == ours.data


def test_openai_reads_an_answer_by_link(server: ModelServer, openai: OpenAI) -> None:
    server.script = [Reply(body=listed_answer(url=f"{server.base}/files/a.png"))]
    answer = openai.images.generate(model="gpt-image-2", prompt="x")
    assert answer.data and answer.data[0].url == f"{server.base}/files/a.png"


def test_the_sdks_read_the_descriptions_of_models(
    server: ModelServer, google: genai.Client, openai: OpenAI
) -> None:
    assert google.models.get(model="gemini-3-pro-image").name == "models/gemini-3-pro-image"
    assert [model.id for model in openai.models.list()] == list(model_rules.LISTED)
    assert openai.models.retrieve("gpt-image-2").id == "gpt-image-2"
