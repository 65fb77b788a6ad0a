"""What the vendors' endpoints take and refuse, for the server in tests/parts/models.py.

Source: google-genai's and OpenAI's SDKs and documentation, and the gateway's requests.
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any

from PIL import Image

_AT_1K = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200), "4:3": (1200, 896),
    "4:5": (928, 1152), "5:4": (1152, 928), "9:16": (768, 1376), "16:9": (1376, 768), "21:9": (1584, 672),
}  # fmt: skip
_TALL = {"1:4": (512, 2048), "4:1": (2048, 512), "1:8": (368, 2896), "8:1": (2896, 368)}
_SCALE = {"1K": 1, "2K": 2, "4K": 4}
GEMINI: dict[str, tuple[dict[str, tuple[int, int]], tuple[str, ...]]] = {
    "gemini-nano-banana-2.1": ({**_AT_1K, **_TALL}, ("1K", "2K", "4K")),
    "gemini-3-pro-image": (_AT_1K, ("1K", "2K", "4K")),
    "gemini-3.1-flash-lite-image": (_AT_1K, ()),
    "gemini-2.5-flash-image": (_AT_1K, ()),
}
TEXT = "gemini-3-flash"
"""The model that answers in words, at every vendor."""
LISTED = ("nano-banana-2-4k", "nano-banana-2", "gpt-image-2", TEXT)
_KNOWN: dict[str, Any] = {
    "contents": {"role": 0, "parts": {"text": 0, "inlineData": {"mimeType": 0, "data": 0}}},
    "systemInstruction": {"role": 0, "parts": {"text": 0}},
    "safetySettings": {"category": 0, "threshold": 0},
    "generationConfig": {
        "temperature": 0, "candidateCount": 0, "seed": 0, "responseModalities": 0, "topP": 0, "topK": 0,
        "maxOutputTokens": 0, "responseMimeType": 0, "responseSchema": 0,
        "thinkingConfig": {"includeThoughts": 0, "thinkingLevel": 0, "thinkingBudget": 0},
        "imageConfig": {"aspectRatio": 0, "imageSize": 0},
    },
}  # fmt: skip
_OPENAI = {
    "prompt", "model", "n", "size", "quality", "background", "output_format", "output_compression",
    "moderation", "user", "input_fidelity", "image", "image[]",
}  # fmt: skip
_GATEWAY = {"model", "prompt", "image", "aspect_ratio", "response_format"}


class Refused(Exception):
    """The vendor's error answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def _google_400(message: str) -> Refused:
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []}]
    error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": details}
    return Refused(400, {"error": error})


def _openai_400(message: str) -> Refused:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Refused(400, {"error": error})


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def normal(value: Any) -> Any:
    """Keys in camelCase and base64 in the standard alphabet, as Google's server reads both forms."""
    if isinstance(value, dict):
        return {camel(k): _plain(v) if k == "data" else normal(v) for k, v in value.items()}
    return [normal(item) for item in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    return text + "=" * (-len(text) % 4)


def _check(value: Any, known: Any, where: str) -> None:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(known, dict):
            if not isinstance(item, dict):
                raise _google_400(f"Invalid value at '{where}'")
            for name, inner in item.items():
                if name not in known:
                    strange = f"Unknown name \"{name}\" at '{where}': Cannot find field."
                    raise _google_400(f"Invalid JSON payload received. {strange}")
                _check(inner, known[name], f"{where}.{name}".lstrip("."))


def gemini_model(name: str) -> dict[str, Any]:
    if name not in GEMINI and name != TEXT:
        message = (
            f"models/{name} is not found for API version v1beta, or is not supported for generateContent."
        )
        raise Refused(404, {"error": {"code": 404, "message": message, "status": "NOT_FOUND"}})
    return {"name": f"models/{name}", "version": "2.1", "supportedGenerationMethods": ["generateContent"]}


def gemini_request(name: str, body: Any) -> tuple[tuple[int, int], bytes | None]:
    """Width and height of the answer, and the first photo. Raises Refused."""
    gemini_model(name)
    body = normal(body)
    _check(body, _KNOWN, "")
    if not body.get("contents"):
        raise _google_400("* GenerateContentRequest.contents: contents is not specified")
    config = body.get("generationConfig", {})
    if "IMAGE" not in config.get("responseModalities", []):
        raise _google_400("This model only supports image output.")
    shape = config.get("imageConfig", {})
    ratios, sizes = GEMINI[name]
    ratio, size = shape.get("aspectRatio", "1:1"), shape.get("imageSize")
    if ratio not in ratios:
        raise _google_400(f"Invalid aspect ratio: {ratio}")
    if size is not None and size not in sizes:
        raise _google_400(f"Invalid image size: {size}")
    blobs = [
        part["inlineData"] for item in body["contents"] for part in item["parts"] if "inlineData" in part
    ]
    if sum(len(blob["data"]) for blob in blobs) > 20_000_000:
        raise _google_400("Request payload size exceeds the limit: 20971520 bytes.")
    photos = []
    for blob in blobs:
        if blob["mimeType"] not in ("image/jpeg", "image/png", "image/webp"):
            raise _google_400(f"Unsupported MIME type: {blob['mimeType']}")
        photos.append(_photo(blob["data"]))
    width, height = ratios[ratio]
    scale = _SCALE[size or "1K"]
    return (width * scale, height * scale), photos[0] if photos else None


def _photo(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(io.BytesIO(data)) as given:
            given.load()
    except (OSError, ValueError):
        raise _google_400("Unable to process input image.") from None
    return data


def gateway_request(body: dict[str, Any]) -> tuple[tuple[int, int], bytes | None]:
    if strange := sorted(set(body) - _GATEWAY):
        raise _openai_400(f"unknown field {strange[0]}")
    if body.get("model") not in LISTED:
        error = {
            "message": f"no channel for {body.get('model')}",
            "type": "new_api_error",
            "code": "model_not_found",
        }
        raise Refused(404, {"error": error})
    if body["aspect_ratio"] not in _AT_1K:
        raise _openai_400(f"invalid aspect_ratio {body['aspect_ratio']}")
    photos = [_photo(text) for text in body.get("image", [])]
    width, height = _AT_1K[body["aspect_ratio"]]
    scale = 4 if body["model"].endswith("4k") else 1
    return (width * scale, height * scale), photos[0] if photos else None


def openai_request(path: str, body: Any) -> tuple[tuple[int, int], bytes | None]:
    fields = list(body.items()) if isinstance(body, dict) else list(body)
    values = dict(fields)
    if strange := sorted(set(values) - _OPENAI):
        raise _openai_400(f"Unknown parameter: '{strange[0]}'.")
    files = [value for name, value in fields if name in ("image", "image[]")]
    if path.endswith("edits") and not files:
        raise _openai_400("Missing required parameter: 'image'.")
    for _, kind, _ in files:
        if kind not in ("image/jpeg", "image/png", "image/webp"):
            raise _openai_400(f"Invalid file 'image': unsupported mimetype ('{kind}').")
    if values.get("model") not in LISTED:
        error = {"message": f"The model '{values.get('model')}' does not exist.", "code": "model_not_found"}
        raise Refused(404, {"error": {**error, "type": "invalid_request_error", "param": None}})
    width, height = (int(part) for part in values.get("size", "1024x1024").split("x"))
    if width % 16 or height % 16 or not 1 / 3 <= width / height <= 3 or width * height > 3840 * 2160:
        raise _openai_400(f"Invalid size '{width}x{height}'.")
    return (width, height), files[0][2] if files else None


def listed_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1764000000, "owned_by": "test"}


FACTS: dict[str, Any] = {
    "description": "A blue paper bag of rice. The label reads 香米 5 kg.",
    "product_type": "Jasmine rice",
    "category": "Grocery > Rice",
    "key_features": ["5 kg", "resealable bag"],
    "headline": "Jasmine rice for every day",
    "prompt": "A pale oak table in morning light, a bowl beside the bag.",
}
"""What the model that answers in words says of every photo."""
_CHAT = {"model", "messages", "response_format", "max_tokens", "temperature", "n"}
_SCHEMA = {"type", "properties", "required", "items", "propertyOrdering", "description", "nullable", "enum"}


def gemini_words(body: Any) -> dict[str, Any]:
    """What Google's text model says by the request's schema. Raises Refused."""
    _check(normal(body), _KNOWN, "")
    config = normal({**body["generationConfig"], "responseSchema": None})
    if config.get("responseMimeType") != "application/json":
        raise _google_400("Response schema is only supported with response mime type application/json.")
    if "responseModalities" in config or "imageConfig" in config:
        raise _google_400("This model does not support image output.")
    schema = body["generationConfig"].get("responseSchema") or body["generationConfig"]["response_schema"]
    _check_schema(schema)
    blobs = [part["inlineData"] for part in normal(body)["contents"][0]["parts"] if "inlineData" in part]
    for blob in blobs:
        _photo(blob["data"])
    return {name: FACTS[name] for name in schema["properties"]}


def _check_schema(schema: Any) -> None:
    if strange := sorted({camel(name) for name in schema} - _SCHEMA):
        raise _google_400(f"Unknown name \"{strange[0]}\" at 'generation_config.response_schema'")
    if schema["type"] not in ("OBJECT", "ARRAY", "STRING"):
        raise _google_400(f"Invalid value at 'generation_config.response_schema.type': {schema['type']}")
    for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        _check_schema(inner)


def chat_words(body: Any) -> dict[str, Any]:
    """What a model says by `chat/completions`. Raises Refused."""
    if strange := sorted(set(body) - _CHAT):
        raise _openai_400(f"Unknown parameter: '{strange[0]}'.")
    if body["model"] != TEXT:
        error = {"message": f"The model '{body['model']}' does not exist.", "code": "model_not_found"}
        raise Refused(404, {"error": {**error, "type": "invalid_request_error", "param": None}})
    content = [part for message in body["messages"] for part in message["content"]]
    texts = [part["text"] for part in content if part["type"] == "text"]
    if body.get("response_format") == {"type": "json_object"} and "JSON" not in " ".join(texts):
        raise _openai_400("'messages' must contain the word 'json' in some form.")
    for part in content:
        if part["type"] == "image_url":
            head, _, data = part["image_url"]["url"].partition(",")
            if head != "data:image/jpeg;base64":
                raise _openai_400("Invalid image_url.")
            _photo(data)
    return FACTS
