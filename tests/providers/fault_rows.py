"""The fault table as data: what each provider may answer, and what each answer must leave behind."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.model import OutputState
from tests.parts.models import Reply, gemini_answer, google_error, listed_answer, openai_error, picture

EVERY = ("gemini", "gateway", "openai")
LISTED = ("gateway", "openai")
STATES = {
    None: OutputState.SUCCEEDED,
    "OutcomeUnknown": OutputState.UNKNOWN,
    "NotFetched": OutputState.UNKNOWN,
    "Blocked": OutputState.BLOCKED,
}
"""By kind; any other ends as failed."""

SAID = {
    None: ("", ""),
    "RateLimited": (
        "Too many requests. Nothing was charged. Wait a minute, then Retry.",
        "要求過多，未有收費。請一分鐘後重試。",
    ),
    "Overloaded": (
        "Still busy after 3 tries. It may have been charged. Retry in a few minutes.",
        "試了 3 次仍繁忙，可能已收費。請幾分鐘後重試。",
    ),
    "QuotaExhausted": (
        "Quota or credit is used up. Nothing was charged. Choose another model or add credit.",
        "額度或餘額已用完，未有收費。請換模型或充值。",
    ),
    "OutcomeUnknown": (
        "Sent, but no answer came. It may have been charged.",
        "已送出但沒有回覆，可能已收費。",
    ),
    "NotSent": (
        "The model can't be reached. Nothing was charged. Check the network, then Retry.",
        "無法連接模型，未有收費。請檢查網絡後重試。",
    ),
    "Auth": (
        "The key was rejected. Generation is off. Replace it in `.env`, then Check again.",
        "金鑰被拒，已停止生成。請在 `.env` 更換，再按「再次檢查」。",
    ),
    "AccountLimited": (
        "The provider limited this account. Generation is stopped. Contact the provider.",
        "供應商已限制帳戶，全部生成已停止。請聯絡供應商。",
    ),
    "BadImage": (
        "Damaged or wrong size. The file is kept; it may have been charged. Retry.",
        "圖片損壞或尺寸不符，檔案已保留，可能已收費。請重試。",
    ),
    "NoImage": (
        "No picture came back, and no word why. It may have been charged. Shorten the style, then Retry.",
        "沒有收到圖片，亦沒有說明原因，可能已收費。請縮短描述後重試。",
    ),
}
STOPS = ("QuotaExhausted", "AccountLimited", "Auth")


@dataclass(frozen=True, kw_only=True)
class Row:
    """`answers` come one after another; what they don't say is answered with the picture asked for.

    `spent` and `possible` count calls whose reported cost, or whose estimate, the day holds afterwards.
    """

    name: str
    answers: Callable[[str], list[Reply]]
    kind: str | None = None
    calls: int = 1
    spent: int = 0
    possible: int = 0
    kept: bytes | None = None
    """The answer's bytes that the store must hold untouched; None with a picture: those that came."""
    notes: Mapping[str, Any] | None = None
    said: tuple[str, str] | None = None
    """The sentence in English and in Chinese where `SAID` has none; `{until}` is the end of Google's day."""
    who: tuple[str, ...] = EVERY
    base: str | None = None
    """Another address than the server's: "closed" or "tls"."""


SMALL = picture((64, 64))
WRONG = picture((1264, 848))
NO_PICTURE = b"GIF89a is no picture here"
CUT_PICTURE = picture((256, 256))[:1400]
HTML = b"<html><title>Bad Gateway</title></html>"
_DETAIL = "type.googleapis.com/google.rpc."
_INFO = {"@type": f"{_DETAIL}ErrorInfo", "reason": "API_KEY_INVALID"}
_USAGE = {
    "input_tokens": 1020,
    "output_tokens": 1056,
    "total_tokens": 2076,
    "input_tokens_details": {"text_tokens": 20, "image_tokens": 1000},
}


def quota(name: str) -> dict[str, Any]:
    return {"@type": f"{_DETAIL}QuotaFailure", "violations": [{"quotaId": f"GenerateRequests{name}"}]}


def wait(seconds: str) -> dict[str, str]:
    return {"@type": f"{_DETAIL}RetryInfo", "retryDelay": seconds}


def same(*replies: Reply) -> Callable[[str], list[Reply]]:
    return lambda who: list(replies)


def status(code: int, body: Any = HTML, **headers: str) -> Reply:
    return Reply(
        status=code, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def google(code: int, word: str, message: str, *details: Mapping[str, Any]) -> Reply:
    return Reply(status=code, body=google_error(code, word, message, *details))


def openai(code: int, message: str, word: str | None = None) -> Reply:
    return Reply(status=code, body=openai_error(message, code=word))


def own(code: int) -> Callable[[str], list[Reply]]:
    """Three times the provider's own error with this status."""

    def answers(who: str) -> list[Reply]:
        return [google(code, "UNAVAILABLE", "Busy.") if who == "gemini" else openai(code, "Busy.")] * 3

    return answers


def whole(data: bytes | str, **more: Any) -> Callable[[str], list[Reply]]:
    """A proper answer with `data` for a picture; text stands where base64 should."""
    text = data if isinstance(data, str) else base64.b64encode(data).decode()

    def answers(who: str) -> list[Reply]:
        if who == "gemini":
            return [Reply(body=gemini_answer({"inlineData": {"data": text}}), **more)]
        usage = {"usage": _USAGE} if who == "openai" else {}
        return [Reply(body={**listed_answer(b64_json=text), **usage}, **more)]

    return answers


def finish(word: str | None, *parts: Any, **changes: Any) -> Callable[[str], list[Reply]]:
    return same(Reply(body=gemini_answer(*parts, finish=word, **changes)))


def blocked(reason: str, said: str) -> tuple[str, str]:
    return (
        f"The model refused: {reason}. It is not asked again. Change photo or style.",
        f"模型拒絕：{said}，不會自動重試。請更換相片或風格。",
    )


def refused(detail: str) -> tuple[str, str]:
    return (
        f"Settings refused: {detail}. Nothing was made. Change ratio or size.",
        f"設定不獲接受：{detail}，沒有生成。請更改比例或尺寸。",
    )


def unknown_model(model: str) -> tuple[str, str]:
    return (
        f"{model} is unknown here. Nothing was made. Choose another model.",
        f"找不到模型 {model}，沒有生成。請選其他模型。",
    )


def only_text(text: str) -> tuple[str, str]:
    return (
        f"Only text came back: “{text}”. It may have been charged. Shorten the style, then Retry.",
        f"只收到文字：「{text}」，可能已收費。請縮短描述後重試。",
    )


TOO_LONG = (
    "Too many requests. Nothing was charged. The model asks for a wait of 61 s; then Retry.",
    "要求過多，未有收費。模型要求等候 61 秒，請稍後重試。",
)
TOMORROW = (
    "Quota or credit is used up. No more pictures until {until}. Choose another model or wait.",
    "額度或餘額已用完，{until} 前無法生成。請換模型或等候。",
)
NOT_LOADED = (
    "The picture was made but could not be loaded from 127.0.0.1. It may have been charged. "
    "Asking again may charge again.",
    "圖片已生成，但無法從 127.0.0.1 載入，可能已收費。再次要求可能再收費。",
)
DRAFTS = [{"thought": True, "inlineData": {"data": base64.b64encode(SMALL).decode()}}] * 2
GEMINI = ("gemini",)

ROWS = [
    Row(name="a picture", answers=same(), spent=1),
    # RateLimited: waited for; nothing of it is charged.
    Row(name="429 once", answers=same(status(429)), calls=2, spent=1),
    Row(name="429 twice", answers=same(status(429), status(429)), calls=3, spent=1),
    Row(name="429 without end", answers=same(*[status(429)] * 9), kind="RateLimited", calls=6),
    Row(name="Retry-After", answers=same(status(429, {}, retry_after="0")), calls=2, spent=1),
    Row(name="retry-after-ms", answers=same(status(429, {}, retry_after_ms="20")), calls=2, spent=1),
    Row(name="a long Retry-After", answers=same(status(429, {}, retry_after="61")), kind="RateLimited",
        said=TOO_LONG),
    Row(name="RetryInfo", who=GEMINI, calls=2, spent=1,
        answers=same(google(429, "RESOURCE_EXHAUSTED", "Slow.", quota("PerMinute"), wait("0.05s")))),
    Row(name="a long RetryInfo", who=GEMINI, kind="RateLimited", said=TOO_LONG,
        answers=same(google(429, "RESOURCE_EXHAUSTED", "Slow.", wait("61s")))),
    Row(name="a wait in words", who=GEMINI, calls=2, spent=1,
        answers=same(google(429, "RESOURCE_EXHAUSTED", "Please retry in 30ms."))),
    Row(name="rate_limit_exceeded", who=LISTED, calls=2, spent=1,
        answers=same(openai(429, "Slow down", "rate_limit_exceeded"))),
    # QuotaExhausted: nobody asks any more.
    Row(name="402", answers=same(status(402, {})), kind="QuotaExhausted"),
    Row(name="PerDay", who=GEMINI, kind="QuotaExhausted", said=TOMORROW,
        answers=same(google(429, "RESOURCE_EXHAUSTED", "Quota.", quota("PerDay-FreeTier"), wait("5s")))),
    Row(name="limit: 0", who=GEMINI, kind="QuotaExhausted",
        answers=same(google(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0, model: x"))),
    Row(name="insufficient_quota", who=LISTED, kind="QuotaExhausted",
        answers=same(openai(429, "You exceeded it", "insufficient_quota"))),
    # Overloaded, answered as such: twice more, and each may have been charged.
    Row(name="503", answers=own(503), kind="Overloaded", calls=3, possible=3),
    Row(name="503 of a proxy", answers=same(*[status(503)] * 3), kind="Overloaded", calls=3, possible=3),
    Row(name="500 of its own", answers=own(500), kind="Overloaded", calls=3, possible=3),
    Row(name="503 once", answers=lambda who: own(503)(who)[:1], calls=2, spent=1, possible=1),
    # OutcomeUnknown: never sent again by itself.
    Row(name="no answer in time", answers=same(Reply(delay=1.5)), kind="OutcomeUnknown", possible=1),
    Row(name="dropped while it is sent", answers=same(Reply(drop="unread")), kind="OutcomeUnknown",
        possible=1),
    Row(name="dropped before the body", answers=same(Reply(drop="before")), kind="OutcomeUnknown",
        possible=1),
    Row(name="reset before the body", answers=same(Reply(drop="reset")), kind="OutcomeUnknown", possible=1),
    Row(name="dropped during the body", answers=same(Reply(truncate_at=900)), kind="OutcomeUnknown",
        possible=1),
    Row(name="reset during the body", answers=same(Reply(truncate_at=900, drop="reset")),
        kind="OutcomeUnknown", possible=1),
    Row(name="dropped after the body", answers=same(Reply(drop="after")), spent=1),
    Row(name="garbage JSON", answers=same(Reply(body=b'{"candidates": [{"conte')), kind="OutcomeUnknown",
        possible=1),
    Row(name="a page with 200", answers=same(Reply(body=HTML)), kind="OutcomeUnknown", possible=1),
    Row(name="a list with 200", answers=same(Reply(body=[])), kind="OutcomeUnknown", possible=1),
    *(Row(name=str(code), answers=same(status(code)), kind="OutcomeUnknown", possible=1)
      for code in (500, 502, 504)),
    Row(name="504 of its own", answers=lambda who: own(504)(who)[:1], kind="OutcomeUnknown", possible=1),
    Row(name="a link to nothing", who=("gateway",), kind="NotFetched", possible=1, said=NOT_LOADED,
        answers=same(Reply(body=listed_answer(url="http://127.0.0.1:9/gone.png?Signature=s")))),
    # NotSent: nothing left this machine.
    Row(name="nobody there", answers=same(), kind="NotSent", calls=3, base="closed"),
    Row(name="no TLS there", answers=same(), kind="NotSent", calls=3, base="tls"),
    # Blocked: never again by itself; what the answer says that it cost is counted.
    Row(name="prompt refused", who=GEMINI, kind="Blocked", possible=1,
        answers=same(Reply(body={"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})),
        said=blocked("content it does not allow", "不允許的內容")),
    *(Row(name=word, who=GEMINI, kind="Blocked", spent=1, answers=finish(word), said=blocked(en, zh))
      for word, en, zh in (
          ("SAFETY", "its safety rules", "安全規則"),
          ("IMAGE_SAFETY", "its safety rules for pictures", "圖片安全規則"),
          ("PROHIBITED_CONTENT", "content it does not allow", "不允許的內容"),
          ("IMAGE_PROHIBITED_CONTENT", "content it does not allow", "不允許的內容"),
          ("RECITATION", "too close to a known work", "與已知作品過於相似"),
          ("IMAGE_RECITATION", "too close to a known work", "與已知作品過於相似"),
          ("BLOCKLIST", "a word on its list", "含禁用詞"),
          ("SPII", "personal data in the picture", "圖片含個人資料"),
      )),
    Row(name="moderation_blocked", who=LISTED, kind="Blocked", possible=1,
        answers=same(openai(400, "Your request was rejected.", "moderation_blocked")),
        said=blocked("its moderation rules", "審核規則")),
    Row(name="refused with 200", who=LISTED, kind="Blocked", possible=1,
        answers=same(Reply(body=openai_error("upstream: IMAGE_SAFETY"))),
        said=blocked("its safety rules for pictures", "圖片安全規則")),
    # NoImage: shown with the model's words.
    *(Row(name=f"{word} without a picture", who=GEMINI, kind="NoImage", spent=1, answers=finish(word))
      for word in ("NO_IMAGE", "IMAGE_OTHER", "STOP", "OTHER", "MAX_TOKENS", "MALFORMED_RESPONSE",
                   "A_NEW_ONE")),
    Row(name="words only", who=GEMINI, kind="NoImage", spent=1, answers=finish("STOP", "I see a cup."),
        said=only_text("I see a cup.")),
    Row(name="drafts only", who=GEMINI, kind="NoImage", spent=1, answers=finish("STOP", *DRAFTS)),
    Row(name="no candidates", who=GEMINI, kind="NoImage", possible=1,
        answers=same(Reply(body={"candidates": []}))),
    Row(name="no data", who=LISTED, kind="NoImage", possible=1, answers=same(Reply(body={"data": []}))),
    Row(name="words for a picture", who=LISTED, kind="NoImage", possible=1,
        answers=same(Reply(body=listed_answer(revised_prompt="I can't."))), said=only_text("I can't")),
    # BadRequest, Auth, ModelNotFound: at once, and free.
    Row(name="400", who=GEMINI, answers=same(google(400, "INVALID_ARGUMENT", "Invalid aspect ratio.")),
        kind="BadRequest", said=refused("Invalid aspect ratio")),
    Row(name="400", who=LISTED, answers=same(openai(400, "Invalid aspect ratio.")), kind="BadRequest",
        said=refused("Invalid aspect ratio")),
    Row(name="region", who=GEMINI, kind="BadRequest", said=refused("User location is not supported"),
        answers=same(google(400, "FAILED_PRECONDITION", "User location is not supported."))),
    Row(name="401", answers=same(status(401)), kind="Auth"),
    Row(name="403", answers=same(status(403)), kind="Auth"),
    Row(name="API_KEY_INVALID", who=GEMINI, kind="Auth",
        answers=same(google(400, "INVALID_ARGUMENT", "API key not valid.", _INFO))),
    Row(name="invalid_api_key", who=LISTED, answers=same(openai(401, "Incorrect.", "invalid_api_key")),
        kind="Auth"),
    Row(name="404", who=GEMINI, answers=same(google(404, "NOT_FOUND", "Not found.")), kind="ModelNotFound",
        said=unknown_model("gemini-nano-banana-2.1")),
    Row(name="404", who=("gateway",), answers=same(openai(404, "No channel", "model_not_found")),
        kind="ModelNotFound", said=unknown_model("nano-banana-2")),
    Row(name="404", who=("openai",), answers=same(openai(404, "No such", "model_not_found")),
        kind="ModelNotFound", said=unknown_model("gpt-image-2")),
    # AccountLimited: everything stops.
    Row(name="PUP_LIMITED_DISABLED", who=GEMINI, answers=finish("PUP_LIMITED_DISABLED"),
        kind="AccountLimited", spent=1),
    # BadImage and pictures that are mended: the bytes are kept as they came.
    Row(name="bad base64", answers=whole("*** no base64 ***"), kind="BadImage", spent=1,
        kept=b"*** no base64 ***"),
    Row(name="no picture in it", answers=whole(NO_PICTURE), kind="BadImage", spent=1, kept=NO_PICTURE),
    Row(name="a cut picture", answers=whole(CUT_PICTURE), kind="BadImage", spent=1, kept=CUT_PICTURE),
    Row(name="another shape", answers=whole(WRONG), spent=1, kept=WRONG, notes={"fitted": "padded"}),
    Row(name="a smaller picture", answers=whole(SMALL), spent=1, kept=SMALL, notes={"smaller": True}),
    Row(name="drafts before the picture", who=GEMINI, spent=1, answers=finish("STOP", *DRAFTS, SMALL),
        kept=SMALL),
    Row(name="a picture with a new reason", who=GEMINI, spent=1, answers=finish("A_NEW_ONE", SMALL),
        kept=SMALL, notes={"finish": "A_NEW_ONE"}),
    Row(name="a picture without a reason", who=GEMINI, spent=1, answers=finish(None, SMALL), kept=SMALL),
]  # fmt: skip
