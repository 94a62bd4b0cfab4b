"""What stands before the whole server: limits on what is sent, doors that are shut, and the end.

FastAPI and gradio read a request's body whole, and keep it, before they look at it.
"""

import time
from collections.abc import Callable
from http import HTTPStatus

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from gradio import route_utils
from gradio.route_utils import GradioMultiPartParser
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_JSON = 1 << 24
"""Bytes of a request that is no upload; a recording may stand in it as base64."""

MAX_FIELD = 1 << 16
"""Bytes of a field of a form that is no file."""

TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

UPLOADS = ("/gradio_api/upload", "/v1/")
"""Beginnings of the paths to which recordings are uploaded."""

SHUT = ("/gradio_api/deep_link", "/gradio_api/process_recording")
"""Paths of gradio that would write a visitor's result or film to the disk for good."""

IDLE = ("/gradio_api/heartbeat/",)
"""Beginnings of the paths of requests that last as long as a page is open."""

GRACE = 8.0
"""Seconds that answers in progress have when the server ends."""

SENDING = 0.5
"""Seconds for the last bytes of the last answer to be sent."""

CLOSING = "The server is being stopped: try again in a minute."


class Traffic:
    """What is being answered, and whether more may come.

    Attributes
    ----------
    n_answering : int
        Requests, but for those in `IDLE`.
    is_closing : bool
    """

    def __init__(self) -> None:
        self.n_answering = 0
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
        elif path.rstrip("/") in SHUT:
            refusal = _refusal(f"There is no {path:.100} here.", HTTPStatus.NOT_FOUND)
            await refusal(scope, receive, send)
        else:
            self._traffic.n_answering += 1
            try:
                await self._limited(scope, receive, send)
            finally:
                self._traffic.n_answering -= 1

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit, advice = MAX_JSON, "upload recordings to /gradio_api/upload first"
        if scope["path"].startswith(UPLOADS):
            limit, advice = self._max_upload, "cut the recording, or send fewer at a time"
        sentence = f"The request is larger than {limit >> 20} MB: {advice}."
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            await _refusal(sentence, TOO_LARGE)(scope, receive, send)
            return
        n_received = 0

        async def receive_some() -> Message:  # a header may claim less, or nothing
            nonlocal n_received
            message = await receive()
            n_received += len(message.get("body", b""))
            if n_received > limit:
                raise HTTPException(TOO_LARGE, sentence)
            return message

        await self._app(scope, receive_some, send)


class FieldParser(GradioMultiPartParser):
    """Gradio's parser of forms, which keeps fields that are no files in memory, of any size."""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a part, or refuse it."""
        part = self._current_part
        if part.file is None and len(part.data) + end - start > MAX_FIELD:
            raise MultiPartException(
                f"The field '{part.field_name[:100]}' has no file name and is larger than "
                f"{MAX_FIELD >> 10} kB: send a recording as a file, as `curl -F files=@clip.wav` "
                "does."
            )
        super().on_part_data(data, start, end)


route_utils.GradioMultiPartParser = FieldParser  # type: ignore[misc]  # there is no other way in


def _refusal(sentence: str, status: HTTPStatus) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)
