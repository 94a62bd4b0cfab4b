"""What programs send to the endpoints: files, addresses of files, names of parameters.

Gradio answers what it does not expect with a traceback in the log, and a batch with one such
file as a whole. Here it becomes one sentence for the caller, or for that file.
"""

import asyncio
import errno
import logging
import reprlib
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
from fastapi import Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from gradio.components import Component
from gradio.processing_utils import async_move_files_to_cache, save_base64_to_cache
from gradio.route_utils import FnIndexInferError
from starlette.requests import ClientDisconnect

from ser.errors import AudioError

logger = logging.getLogger(__name__)

NO_SPACE = "The server has no space left for recordings: try again in an hour, when old ones go."

MAX_BATCH = 100
"""Recordings of one call."""

WEB = ("http://", "https://")
META = {"_type": "gradio.FileData"}
FILE = {
    "type": "object",
    "title": "FileData",
    "properties": {
        "path": {"type": "string"},
        "meta": {"type": "object", "properties": {"_type": {"const": META["_type"]}}},
    },
    "required": ["path"],
}
"""The schema of a file. Gradio's own has references, which lead nowhere in a list's schema."""


class NotReceivedError(AudioError):
    """A program sent something else than a file, or a file that cannot be had.

    Attributes
    ----------
    name : str
        Of the file, as far as there is one.
    """

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


async def received(component: Any, sent: Any) -> Any:
    """Return the argument of an endpoint for what was sent: a file as a path or an error."""
    if sent is None:
        return None
    kind = component.api_info()["type"]
    if kind == "boolean":
        if not isinstance(sent, bool):
            raise gr.Error(
                f"{_short(sent)} is not a yes or no: pass true or false.", print_exception=False
            )
        return sent
    if kind == "string":
        if not isinstance(sent, str):
            allowed = ", ".join(component.api_info()["enum"])
            raise gr.Error(
                f"{_short(sent)} is not a text: pass one of {allowed}.", print_exception=False
            )
        return sent
    if kind != "array":
        return await _file(component, sent)
    if not isinstance(sent, list):
        wanted = "a list of files; in Python, pass [handle_file(path), ...]"
        raise gr.Error(f"{_short(sent)} is not {wanted}.", print_exception=False)
    if len(sent) > MAX_BATCH:  # before any is fetched
        raise gr.Error(too_many(len(sent)), print_exception=False)
    return await asyncio.gather(*(_file(component, each) for each in sent))


def too_many(n_clips: int) -> str:
    """Say that a batch is too large."""
    return f"{n_clips} clips are too many: send at most {MAX_BATCH} at a time."


async def _file(component: Component, sent: Any) -> str | NotReceivedError:
    """Return the path of a file that was uploaded, is fetched or is the value, or the error."""
    path = sent.get("path") if isinstance(sent, dict) else sent
    if not isinstance(path, str) or (path is sent and not path.startswith((*WEB, "data:"))):
        return NotReceivedError(
            f"{sent!s:.200}", f"{_short(sent)} is not a file; in Python, pass handle_file(path)."
        )
    try:
        return await _kept(component, path)
    except Exception as error:  # of gradio, httpx, safehttpx or sockets, or a bare Exception
        logger.info("Refused %.200r: %s", path, error)
    if path.startswith(WEB):
        sentence = (
            f"The server cannot fetch '{path:.200}': pass an address that anyone on the internet "
            "can download from, or upload the file."
        )
    else:
        sentence = f"'{path:.200}' was not uploaded; in Python, pass handle_file(path)."
    name = path.partition("?")[0].rpartition("/")[2] or path
    return NotReceivedError(name[:200], sentence)


async def _kept(component: Component, path: str) -> str:
    """Return where a file lies in the server's cache, from where it is deleted in time."""
    if path.startswith("data:"):
        folder = component.GRADIO_CACHE
        path = await asyncio.to_thread(save_base64_to_cache, path, folder)
    elif path.startswith(WEB):
        # What was uploaded here may come by its address, which is not fetched if it is private.
        uploaded = unquote(path.partition("/gradio_api/file=")[2])
        path = uploaded if Path(uploaded).is_file() else path
    file = {"path": path, "meta": META}
    kept = await async_move_files_to_cache(file, component, check_in_upload_folder=True)
    return kept["path"]


def _short(sent: Any) -> str:
    file = sent if isinstance(sent, dict) else {}
    return reprlib.repr(file.get("orig_name") or file.get("path") or sent)


async def _answer_wrong_name(request: Request, error: Exception) -> Response:
    """Answer a call of an endpoint that does not exist, or with names that it does not take."""
    if isinstance(error, KeyError) and request.url.path.endswith("/cancel"):
        return JSONResponse({"success": True})  # gradio stumbles over an event that has just ended
    name = request.path_params.get("api_name")
    if name is None and isinstance(error, RequestValidationError):
        if request.url.path.endswith("/login"):  # without a name or a password
            return JSONResponse({"detail": "Give any user name, and the password."}, 400)
        return await request_validation_exception_handler(request, error)
    if name is None:
        raise error
    demo = request.app.get_blocks()
    endpoints = demo.get_api_info()["named_endpoints"]
    if f"/{name}" not in endpoints:
        return JSONResponse(
            {"detail": f"There is no endpoint /{name}: there are {', '.join(endpoints)}."}, 404
        )
    if isinstance(error, RequestValidationError):
        problem = f'Send {{"data": [...]}} to /call/{name}, or names to /call/v2/{name}'
    elif isinstance(error, TypeError):
        problem = str(error).split(". ")[0].rstrip(".")
    else:
        raise error
    return JSONResponse({"detail": f"{problem}; {usage(demo, name)}."}, 400)


async def _answer_full_disk(request: Request, error: Exception) -> Response:
    """Answer an upload that cannot be written."""
    if is_full_disk(error):
        logger.error("There is no space left for files of visitors: %s", error)
        return JSONResponse({"detail": NO_SPACE}, HTTPStatus.INSUFFICIENT_STORAGE)
    raise error


def is_full_disk(error: BaseException | None) -> bool:
    """Tell whether there was no space left on a disk."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


async def _answer_nobody(request: Request, error: Exception) -> Response:
    """End the request of a client that has left while it was sending."""
    return Response(status_code=400)


HANDLERS = {
    **dict.fromkeys(
        (TypeError, KeyError, FnIndexInferError, RequestValidationError), _answer_wrong_name
    ),
    OSError: _answer_full_disk,
    ClientDisconnect: _answer_nobody,
}
"""For what gradio's routes raise when a name is wrong, the disk is full, or nobody is there."""


def usage(demo: gr.Blocks, name: str) -> str:
    """Say what an endpoint takes."""
    parameters = demo.get_api_info()["named_endpoints"][f"/{name}"]["parameters"]
    names = [
        ("optionally " if parameter["parameter_has_default"] else "") + parameter["parameter_name"]
        for parameter in parameters
    ]
    return f"/{name} takes {' and '.join(names) or 'nothing'}"
