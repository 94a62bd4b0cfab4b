"""What stands before the whole server: limits on what is sent, doors that are shut, and the end.

FastAPI and gradio read a request's body whole, and keep it, before they look at it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import starlette.requests
from fastapi import HTTPException
from fastapi.responses import JSONResponse
from gradio import route_utils
from gradio.route_utils import GradioMultiPartParser
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_JSON = 1 << 24
"""Bytes of a request that is no upload; a recording may stand in it as base64."""

MAX_FIELD = 1 << 16
"""Bytes of a field of a form that is no file."""

MAX_VALUES = 1 << 17
"""Values of a request in JSON: each takes up to a hundred bytes as it is read, `[]` has two."""

MAX_HELD = 1 << 27
"""Bytes of all requests together that are read into memory, and of those that wait in the queue."""

MAX_FILES = 200
"""Files of a form, each of which is open until all are there."""

MAX_FIELDS = 10
"""Fields of a form that are no files, and in memory."""

PATIENCE = 30.0
"""Seconds in which the next piece of a request has to come."""

MAX_SENDING = 900.0
"""Seconds in which all of a request has to come."""

TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

UPLOADS = ("/gradio_api/upload", "/v1/")
"""Beginnings of the paths to which recordings are uploaded."""

SHUT = (
    *("/gradio_api/deep_link", "/gradio_api/process_recording"),
    *("/gradio_api/component_server", "/monitoring", "/pwa_icon"),
)
"""Beginnings of the paths of gradio that would write a visitor's result or film to the disk for
good, remember any name, or write to the log; nothing of the page needs them."""

IDLE = ("/gradio_api/heartbeat/",)
"""Beginnings of the paths of requests that last as long as a page is open."""

GRACE = 8.0
"""Seconds that answers in progress have when the server ends."""

SENDING = 0.5
"""Seconds for the last bytes of the last answer to be sent."""

TOO_SLOW = f"Nothing of the request came for {PATIENCE:g} s: send it again."
TOO_LONG = f"The request took more than {MAX_SENDING / 60:g} minutes: send less at a time."
TOO_MANY_VALUES = f"The request holds more than {MAX_VALUES} values: upload files first."
FULL = "The server has too many requests in hand: try again in some seconds."
CLOSING = "The server is being stopped: try again in a minute."


@dataclass
class Body:
    """How much of a request is in memory; as `scope["ser.body"]`.

    Attributes
    ----------
    n_bytes : int
        0 for uploads, which are on the disk.
    """

    n_bytes: int = 0


class Traffic:
    """What is being answered, and whether more may come.

    Attributes
    ----------
    n_answering : int
        Requests, but for those in `IDLE`.
    n_held : int
        Bytes of them in memory.
    is_closing : bool
    """

    def __init__(self) -> None:
        self.n_answering = self.n_held = 0
        self.is_closing = False

    def close(self, is_working: Callable[[], bool]) -> None:
        """Let nothing new in, and wait until all is answered or `GRACE` is over.

        Parameters
        ----------
        is_working : callable
            Tells whether there are answers that nobody has come for yet.
        """
        self.is_closing = True
        end = time.monotonic() + GRACE
        while (self.n_answering or is_working()) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(SENDING)


class Front:
    """An ASGI middleware that refuses in one sentence what must not go further.

    Parameters
    ----------
    app : ASGIApp
    traffic : Traffic
    max_upload : int
        Bytes of a request that uploads recordings.
    """

    def __init__(self, app: ASGIApp, traffic: Traffic, max_upload: int) -> None:
        self._app = app
        self._traffic = traffic
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(IDLE):
            await self._app(scope, receive, send)
        elif self._traffic.is_closing and scope["method"] == "POST":
            await _refusal(CLOSING, HTTPStatus.SERVICE_UNAVAILABLE)(scope, receive, send)
        elif path.startswith(SHUT):
            refusal = _refusal(f"There is no {path:.100} here.", HTTPStatus.NOT_FOUND)
            await refusal(scope, receive, send)
        else:
            self._traffic.n_answering += 1
            try:
                await self._limited(scope, receive, send)
            finally:
                self._traffic.n_answering -= 1

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)  # of several of a name the first, as all behind it
        kind = headers.get("content-type", "").lower()
        is_upload = kind.startswith("multipart/") and scope["path"].startswith(UPLOADS)
        limit, advice = MAX_JSON, "upload recordings to /gradio_api/upload first"
        if kind.startswith("application/x-www-form-urlencoded"):
            limit, advice = MAX_FIELD, "send a form as multipart/form-data, as `curl -F` does"
        elif is_upload:
            limit, advice = self._max_upload, "cut the recording, or send fewer at a time"
        size = f"{limit >> 20} MB" if limit >> 20 else f"{limit >> 10} kB"
        sentence = f"The request is larger than {size}: {advice}."
        length = headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > limit:
            await _refusal(sentence, TOO_LARGE)(scope, receive, send)
            return
        n_received = n_values = 0
        is_complete = False
        loop = asyncio.get_running_loop()
        end = loop.time() + MAX_SENDING
        body = scope["ser.body"] = Body()

        async def receive_some() -> Message:  # a header may claim less, or nothing
            nonlocal n_received, n_values, is_complete
            if is_complete:  # what is waited for is that the client leaves
                return await receive()
            try:
                async with asyncio.timeout_at(min(loop.time() + PATIENCE, end)):
                    message = await receive()
            except TimeoutError:
                slow = TOO_LONG if loop.time() >= end else TOO_SLOW
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, slow) from None
            is_complete = not message.get("more_body", False)
            content = message.get("body", b"")
            n_received += len(content)
            if n_received > limit:
                raise HTTPException(TOO_LARGE, sentence)
            if not is_upload:
                body.n_bytes += len(content)
                self._traffic.n_held += len(content)
                n_values += sum(map(content.count, (b",", b"[", b"{")))
                if n_values > MAX_VALUES:
                    raise HTTPException(TOO_LARGE, TOO_MANY_VALUES)
                if self._traffic.n_held > MAX_HELD:
                    raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, FULL)
            return message

        try:
            await self._app(scope, receive_some, send)
        finally:
            self._traffic.n_held -= body.n_bytes


class FieldLimit:
    """Refuses a field without a file name that is too large, which parsers keep in memory."""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a part, or refuse it."""
        part = self._current_part  # type: ignore[attr-defined]
        if part.file is None and len(part.data) + end - start > MAX_FIELD:
            raise MultiPartException(
                f"The field '{part.field_name[:100]}' has no file name and is larger than "
                f"{MAX_FIELD >> 10} kB: send a recording as a file, as `curl -F "
                f"{part.field_name[:100]}=@clip.wav` does."
            )
        super().on_part_data(data, start, end)  # type: ignore[misc]


class FieldParser(FieldLimit, GradioMultiPartParser):
    """Gradio's parser of forms, which keeps fields that are no files in memory, of any size."""

    def __init__(self, *inputs: Any, **named: Any) -> None:
        super().__init__(*inputs, **(named | {"max_fields": MAX_FIELDS}))


class FormParser(FieldLimit, MultiPartParser):
    """Starlette's parser of forms, which keeps a thousand parts of 1 MB in memory."""

    spool_max_size = 1  # bytes of a file in memory; 0 would stand for any number

    def __init__(self, *inputs: Any, **named: Any) -> None:
        super().__init__(*inputs, **(named | {"max_files": MAX_FILES, "max_fields": MAX_FIELDS}))


# There is no other way in.
route_utils.GradioMultiPartParser = FieldParser  # type: ignore[misc]
starlette.requests.MultiPartParser = FormParser  # type: ignore[misc]


def _refusal(sentence: str, status: HTTPStatus) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)
