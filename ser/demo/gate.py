"""What stands before the plain interface: the password, and limits on size and number.

FastAPI reads a request's body before it calls anything, so all of this comes before FastAPI.
"""

import base64
import binascii
from collections.abc import Callable

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_WAITING = 256
"""Requests that are answered or wait at a time, streams not counted."""


class Gate:
    """An ASGI middleware that refuses in one sentence, before a body is read or while it is.

    Parameters
    ----------
    app : ASGIApp
    is_right : callable, optional
        Tells from a user's name and a password whether they may enter; by default all may.
    max_size : int
        Bytes of a request's body.
    """

    def __init__(
        self, app: ASGIApp, is_right: Callable[[str, str], bool] | None, max_size: int
    ) -> None:
        self._app = app
        self._is_right = is_right
        self._max_size = max_size
        self._n_waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._is_right is not None and not self._may_enter(headers.get(b"authorization", "")):
            sentence = "Give the password, with any user name, as HTTP Basic authentication."
            asking = {"WWW-Authenticate": 'Basic realm="ser", charset="UTF-8"'}
            await JSONResponse({"detail": sentence}, 401, asking)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif self._n_waiting >= MAX_WAITING:
            sentence = f"{MAX_WAITING} requests are waiting already: try again in some seconds."
            await JSONResponse({"detail": sentence}, 503, {"Retry-After": "5"})(
                scope, receive, send
            )
        elif self._is_too_large(headers.get(b"content-length", "")):
            await JSONResponse({"detail": self._too_large}, 413)(scope, receive, send)
        else:
            self._n_waiting += 1
            try:
                await self._app(scope, self._counted(receive), send)
            finally:
                self._n_waiting -= 1

    def _may_enter(self, authorization: str) -> bool:
        assert self._is_right is not None
        scheme, _, credentials = authorization.partition(" ")
        try:
            name, colon, password = base64.b64decode(credentials, validate=True).partition(b":")
            given = name.decode(), password.decode()
        except (binascii.Error, ValueError):  # not ASCII, or not UTF-8
            return False
        return scheme.lower() == "basic" and bool(colon) and self._is_right(*given)

    def _is_too_large(self, length: str) -> bool:
        return length.isdecimal() and int(length[:20]) > self._max_size

    def _counted(self, receive: Receive) -> Receive:
        """Receive a body, of which a header may have claimed less or nothing."""
        n_received = 0

        async def receive_some() -> Message:
            nonlocal n_received
            message = await receive()
            n_received += len(message.get("body", b""))
            if n_received > self._max_size:
                raise HTTPException(413, self._too_large)
            return message

        return receive_some

    @property
    def _too_large(self) -> str:
        return (
            f"The request is larger than {self._max_size >> 20} MB: cut the recording, or send "
            "fewer at a time."
        )
