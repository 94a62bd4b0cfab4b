"""The stream for programs: sound in, events out, over a WebSocket.

Sound is taken only when what came before is answered: a sender that is too fast has to wait, as
TCP makes it, and nothing piles up here.
"""

import asyncio
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import WebSocket, WebSocketDisconnect

from ser.errors import AudioError, SerError
from ser.streaming import STEP, SpeechStream

if TYPE_CHECKING:
    import uvicorn

    from ser.demo.served_model import ServedModel

SAMPLE_RATE = 16000
"""In Hz, if the program names none."""

MAX_MESSAGE = 2**20
"""Bytes; half a minute of sound at the usual rate."""

MAX_STREAMS = 64
"""Streams at a time; a core keeps up with about a dozen."""

MAX_SILENCE = 60.0
"""Seconds without a message, after which a forgotten stream is closed."""

MAX_UNREAD = 4
"""Messages of a stream that wait; it was 32, each of 16 MB."""

_limiter = CapacityLimiter(os.cpu_count() or 1)
_open: set[WebSocket] = set()


def limit_streams(config: "uvicorn.Config") -> None:
    """Set what the server holds of a stream, before anything here sees it.

    Parameters
    ----------
    config : uvicorn.Config
        Of a server that runs.
    """
    # A program that sends sound too fast has to wait, and so does its answer to a ping.
    config.ws_ping_timeout = None
    config.ws_max_size = 2 * MAX_MESSAGE  # what is just too long is refused in a sentence
    config.ws_max_queue = MAX_UNREAD
    config.ws_per_message_deflate = False  # a thousandth of a message could be sent


async def answer_stream(websocket: WebSocket, model: "ServedModel") -> None:
    """Answer one program until it sends "end", leaves, or sends something else than sound.

    Parameters
    ----------
    websocket : WebSocket
        Binary messages are 16-bit little-endian mono samples at the ``rate`` of the address,
        in pieces of any size.
    model : ser.demo.served_model.ServedModel
    """
    code = 1000
    with suppress(WebSocketDisconnect):  # after which nobody is there to hear more
        await websocket.accept()
        try:
            if len(_open) >= MAX_STREAMS:
                raise AudioError(f"{MAX_STREAMS} streams are open already: try again later.")
            _open.add(websocket)
            await _answer(websocket, model)
        except SerError as error:
            code = 1008
            await _send(websocket, {"event": "error", "detail": str(error)})
        finally:
            _open.discard(websocket)
        await websocket.close(code)


async def _send(websocket: WebSocket, event: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(MAX_SILENCE):
            await websocket.send_json(event)
    except TimeoutError:  # nobody reads
        raise WebSocketDisconnect(1006) from None


async def _answer(websocket: WebSocket, model: "ServedModel") -> None:
    for name in websocket.query_params:
        if name != "rate" and not name.startswith("__"):  # of Hugging Face's own
            raise AudioError(f"There is no {name[:100]!r}: the address of a stream has its rate.")
    rate = _rate(websocket.query_params.getlist("rate") or [str(SAMPLE_RATE)])
    recognizer = await to_thread.run_sync(model.get)
    stream = SpeechStream(recognizer, rate)
    step = 2 * round(STEP * rate)  # bytes
    waiting = bytearray()

    async def take(size: int) -> None:
        samples = np.frombuffer(bytes(waiting[:size]), "<i2").astype(np.int16)
        del waiting[:size]
        await send(await to_thread.run_sync(stream.feed, samples, limiter=_limiter))

    async def send(events: list[dict[str, Any]]) -> None:
        for event in events:
            await _send(websocket, event)

    while (sound := await _receive(websocket)) is not None:
        waiting += sound
        while len(waiting) >= step:
            await take(step)
    await take(len(waiting) // 2 * 2)
    await send(await to_thread.run_sync(stream.close, limiter=_limiter))
    if waiting:
        raise AudioError("The sound ended within a sample: send 16-bit PCM, two bytes a sample.")


def _rate(given: list[str]) -> int:
    text = ", ".join(given)
    if not re.fullmatch("-?[0-9]{1,20}", text):
        raise AudioError(f"{text[:100]!r} is not a sample rate: give one, in Hz.")
    return int(text)


async def _receive(websocket: WebSocket) -> bytes | None:
    """Return the next bytes of sound; None at the end."""
    try:
        async with asyncio.timeout(MAX_SILENCE):
            message = await websocket.receive()
    except TimeoutError:
        raise AudioError(f"No sound came for {MAX_SILENCE:g} s: open another stream.") from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    sound = message.get("bytes")
    if sound is None:
        text = message["text"]
        if text == "end":
            return None
        raise AudioError(
            f"{text[:100]!r} is not sound: send 16-bit PCM as binary messages, and the text "
            '"end" when there is no more.'
        )
    if len(sound) > MAX_MESSAGE:
        raise AudioError(
            f"A message has {len(sound)} bytes: send at most {MAX_MESSAGE}, and more often."
        )
    return sound
