"""What stands before the plain interface: the password, and a limit on the number of requests.

FastAPI reads a request's body before it calls anything, so all of this comes before FastAPI.
"""

import base64
import binascii
from collections.abc import Callable

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_WAITING = 256
"""Requests that are answered or wait at a time, streams not counted."""


class Gate:
    """An ASGI middleware that refuses in one sentence, before a body is read or while it is.

    Parameters
    ----------
    app : ASGIApp
    is_right : callable, optional
        Tells from a user's name and a password whether they may enter; by default all may.
    """

    def __init__(self, app: ASGIApp, is_right: Callable[[str, str], bool] | None) -> None:
        self._app = app
        self._is_right = is_right
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
        else:
            self._n_waiting += 1
            try:
                await self._app(scope, receive, send)
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
