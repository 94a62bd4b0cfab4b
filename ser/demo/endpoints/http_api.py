"""The plain interface: one request, one answer, beside gradio's on the same server.

The answers are those of `ser.demo.endpoints.api`; here is only what HTTP adds to them.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import gradio as gr
from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import Depends, FastAPI, File, Form, HTTPException, Request, UploadFile, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from gradio_client.utils import strip_invalid_filename_characters
from starlette.datastructures import UploadFile as Upload
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware import Middleware

import ser
from ser.demo.endpoints.api import Endpoints
from ser.demo.endpoints.stream_api import answer_stream
from ser.demo.server.gate import Gate
from ser.demo.server.received import NO_SPACE, is_full_disk
from ser.errors import ModelError
from ser.model.prediction import Prediction
from ser.timeline import Segment, Timeline, Window
from ser.timeline_formats import FORMATS

if TYPE_CHECKING:
    from ser.demo.served_model import ServedModel

PREFIX = "/v1"

Clip = Annotated[UploadFile, File(description="one person speaking, up to 10 minutes")]
Clips = Annotated[list[UploadFile], File(description="recordings; a bad one stops no other")]
Voice = Annotated[
    UploadFile | None, File(description="everyday speech of the same person, to compare with")
]
SameSpeaker = Annotated[
    bool, Form(description="whether one person speaks in all, to compare each part with the rest")
]

Format = Annotated[str | None, Form(description=f"of a file to answer with: {', '.join(FORMATS)}")]
MEDIA = {
    "csv": "text/csv",
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "TextGrid": "text/plain",
}
"""Maps the format of a timeline to the media type of its file."""


@dataclass(frozen=True)
class Problem:
    """Why there is no answer, in one sentence."""

    detail: str


@dataclass(frozen=True, kw_only=True)
class ClipAnswer(Prediction):
    """The answer for one of several clips."""

    file: str


@dataclass(frozen=True)
class ClipProblem:
    """Why there is no answer for one of several clips, in one sentence."""

    file: str
    error: str


@dataclass(frozen=True)
class TimelineAnswer(Timeline):
    """Emotion over a recording, and the stretches in which one dominates."""

    windows: list[Window]
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True)
class ModelInfo:
    """The model that answers, and its evaluation figures by protocol."""

    model: str
    revision: str | None
    licence: str
    emotions: list[str]
    sample_rate: int
    metrics: dict[str, Any]


def make_api(model: "ServedModel", is_right: Callable[[str, str], bool] | None) -> FastAPI:
    """Make the interface, for the server to mount at `PREFIX`.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    is_right
        As for `Gate`.
    """
    api = FastAPI(
        title="Speech emotion recognition",
        version=ser.__version__,
        description=f"For sound that is still coming, there is the WebSocket {PREFIX}/stream.",
        docs_url=None,  # its scripts would come from elsewhere
        redoc_url=None,
        middleware=[Middleware(Gate, is_right=is_right)],
        responses={
            status: {"model": Problem, "description": meaning}
            for status, meaning in (
                (400, "a form that cannot be read"),
                *((401, "no or a wrong password"), (413, "too large")),
                *((422, "a bad clip or field"), (503, "no model, or too many requests")),
            )
        },
    )
    endpoints = Endpoints(model)
    limiter = CapacityLimiter(os.cpu_count() or 1)
    form = partial(api.post, dependencies=[Depends(_only_known_fields)])

    async def compute(function: Callable[..., Any], *inputs: Any) -> Any:
        try:
            return await to_thread.run_sync(_with_files, function, inputs, limiter=limiter)
        except OSError as error:
            if is_full_disk(error):
                raise HTTPException(507, NO_SPACE) from None
            raise
        except gr.Error as error:
            status = 503 if isinstance(error.__cause__, ModelError) else 422
            raise HTTPException(status, error.message) from None

    async def answer(function: Callable[..., Any], *inputs: Any) -> JSONResponse:
        return JSONResponse(await compute(function, *inputs))

    @form("/predict", response_model=Prediction)
    async def predict(clip: Clip, voice: Voice = None) -> Any:
        """Recognise the emotion in one recording of a voice."""
        return await answer(endpoints.predict, clip, voice)

    @form("/timeline", response_model=TimelineAnswer)
    async def timeline(
        clip: Clip,
        voice: Voice = None,
        same_speaker: SameSpeaker = False,
        format: Format = None,
    ) -> Any:
        """Recognise how emotion changes over a recording, in overlapping windows of 3 seconds."""
        if format is None:
            return await answer(endpoints.timeline, clip, voice, same_speaker)
        text, chosen = await compute(endpoints.timeline_text, clip, voice, same_speaker, format)
        return Response(text, media_type=MEDIA[chosen])

    @form("/batch", response_model=list[ClipAnswer | ClipProblem])
    async def batch(request: Request, clips: Clips, same_speaker: SameSpeaker = False) -> Any:
        """Recognise the emotion in many recordings."""
        has_left = partial(from_thread.run, request.is_disconnected)
        return await answer(endpoints.answer_batch, clips, same_speaker, has_left)

    @api.get("/model", response_model=ModelInfo)
    async def model_info() -> Any:
        """Describe the model in use: its source, licence, emotions and evaluation figures."""
        return await answer(endpoints.model_info)

    @api.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await answer_stream(websocket, model)

    @api.exception_handler(RequestValidationError)
    async def say_what_is_wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": _sentence(error.errors()[0])}, 422)

    @api.exception_handler(StarletteHTTPException)
    async def say_what_there_is(request: Request, error: StarletteHTTPException) -> JSONResponse:
        detail, status = error.detail, error.status_code
        if is_full_disk(error.__cause__):  # while a form was read
            detail, status = NO_SPACE, 507
        elif detail.startswith("Missing boundary"):
            detail = "The Content-Type has no boundary: leave it out, and `curl -F` writes it."
        elif status in (404, 405):
            calls = [
                f"{method.upper()} {PREFIX}{path}"
                for path, methods in api.openapi()["paths"].items()
                for method in methods
            ]
            asked = f"{request.method} {request.url.path:.200}"
            detail = f"There is no {asked}: there are {', '.join(calls)}."
        return JSONResponse({"detail": detail}, status, error.headers)

    return api


def _with_files(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """Call a function with uploads as files under their own names, which it may mention."""
    with ExitStack() as stack:

        def placed(value: Any) -> Any:
            if isinstance(value, list):
                return [placed(each) for each in value]
            if not isinstance(value, Upload):
                return value
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ser-"))
            name = strip_invalid_filename_characters(Path(value.filename or "").name)  # as gradio
            path = Path(folder, "clip" if name in ("", ".", "..") else name)
            with path.open("wb") as file:
                shutil.copyfileobj(value.file, file)
            return str(path)

        return function(*map(placed, inputs))


async def _only_known_fields(request: Request) -> None:
    """Refuse a misspelt or misplaced field, or one too many: none is left out silently."""
    known = [field.alias for field in request.scope["route"].dependant.body_params]
    for name in request.query_params:
        if not name.startswith("__"):  # of Hugging Face's own
            raise HTTPException(
                422, f"`{name:.100}` is in the address: send it as a field of a form, with `-F`."
            )
    form = await request.form()
    for name in form:
        if name not in known:
            raise HTTPException(422, f"There is no field `{name:.100}`: there are {_list(known)}.")
        if name != "clips" and len(form.getlist(name)) > 1:
            raise HTTPException(422, f"There is more than one `{name}`: send one.")


def _sentence(problem: dict[str, Any]) -> str:
    """Return one sentence for what FastAPI found wrong with a field."""
    name = ".".join(map(str, problem["loc"][1:])) or "the request"
    if problem["type"] == "missing":
        return f"There is no `{name}`: send it as a field of a form, as `curl -F {name}=…` does."
    if problem["type"].startswith("bool"):
        return f"`{name}` is neither yes nor no: send true or false."
    if problem["type"].startswith("string"):
        return f"`{name}` is not a text: send one as `curl -F {name}=…` does."
    return f"`{name}` is not a file: send one as `curl -F {problem['loc'][1]}=@clip.wav` does."


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
