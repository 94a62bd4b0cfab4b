"""The page as gradio serves it, but that visitors take turns and that nothing is remembered."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import zip_longest
from typing import Any

import gradio as gr
from fastapi import Request
from gradio import routes
from gradio.block_function import BlockFunction
from gradio.context import LocalContext
from gradio.queueing import Event
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache

from ser.demo.server import fetching  # noqa: F401 - gradio fetches by it
from ser.demo.server.front import FULL, MAX_HELD
from ser.demo.server.received import received, usage

logger = logging.getLogger(__name__)

MAX_NAME = 128
"""Characters of a session's name: it is kept as long as the server runs."""

MAX_LIST = 5000
"""Files that the page sends at a time."""

MAX_UNFETCHED = 1000
"""Sessions whose answers wait for somebody to come for them."""

UNFETCHED = 600.0
"""Seconds after which nobody will."""

UNUSED = 300.0
"""Seconds in which a session whose page seems closed is kept for it to come back."""

LOOKS = 0.01
"""Seconds between two looks into the queue. Gradio looks a thousand times a second, which takes
much of the processor while nobody asks."""

LONG_NAME = f"The name of the session is longer than {MAX_NAME} characters: give a shorter one."
NOT_OURS = "This is not what the page sends: load the page anew, and choose the recording again."


class Demo(gr.Blocks):
    """`gr.Blocks` that is fair and forgets.

    Public endpoints take each file as a path or a `NotReceivedError`, and leave nothing behind in
    memory.
    """

    def queue(self, **settings: Any) -> "Demo":
        """Queue as gradio does, but let visitors take turns, and keep nothing without end."""
        super().queue(api_open=False, **settings)  # nothing goes round the queue
        queue = self._queue
        queue.sleep_when_free = LOOKS
        queue.pending_messages_per_session = LRUCache(MAX_UNFETCHED)
        joined: dict[str, float] = {}  # when sessions last asked for something, the oldest first
        push = queue.push

        async def push_fairly(body: Any, request: Request, username: str | None) -> Any:
            sentence, status = self._refusal(body, request)
            if sentence:
                return False, sentence, status
            outcome = await push(body, request, username)
            for waiting in queue.event_queue_per_concurrency_id.values():
                waiting.queue[:] = in_turns(waiting.queue)
            joined.pop(body.session_hash, None)
            joined[body.session_hash] = time.monotonic()
            self._forget_unfetched(joined)
            return outcome

        queue.push = push_fairly  # type: ignore[method-assign]
        return self

    def _refusal(self, body: Any, request: Request) -> tuple[str, str]:
        """Say why a call may not wait in the queue, and what that is called; empty if it may."""
        if len(body.session_hash or "") > MAX_NAME:
            return LONG_NAME, "error"
        fn = self.fns.get(body.fn_index)
        if body.fn_index is not None and (fn is None or fn.fn is None):
            return f"There is no function {body.fn_index} that computes anything.", "error"
        queues = self._queue.event_queue_per_concurrency_id.values()
        waiting = [event.request for each in queues for event in each.queue]
        if sum(map(_size, waiting)) + _size(request) > MAX_HELD:
            return FULL, "queue_full"
        share = (self._queue.max_size or 0) // 2
        if sum(_address(each) == _address(request) for each in waiting) >= share > 0:
            return f"{share} of your calls wait already: try again later.", "queue_full"
        return "", ""

    def _forget_unfetched(self, joined: dict[str, float]) -> None:
        """Forget answers that nobody has come for."""
        queue = self._queue
        busy = {event.session_hash for event in queue.event_ids_to_events.values()}
        last = time.monotonic() - UNFETCHED
        for session in [session for session, when in joined.items() if when < last]:
            if session not in busy:
                del joined[session]
                queue.pending_messages_per_session.pop(session, None)
                queue.pending_event_ids_session.pop(session, None)

    async def process_api(self, block_fn: Any, *inputs: Any, **named: Any) -> dict[str, Any]:
        """Call a function; what a public one leaves in its session is forgotten."""
        try:
            return await super().process_api(block_fn, *inputs, **named)
        finally:
            if getattr(block_fn, "api_visibility", None) == "public":
                self.forget(named.get("session_hash"))

    def is_working(self) -> bool:
        """Tell whether calls wait in the queue or are being answered."""
        queues = self._queue.event_queue_per_concurrency_id.values()
        return any(each.queue or each.current_concurrency for each in queues)

    def forget_unless_used(self, session_hash: str | None) -> None:
        """Forget all of a session after a while in which it is not used.

        The connection that tells that a page is open can break while it is, and is not made again.
        """
        begun = datetime.now()

        def look() -> None:
            last = self.state_holder.time_last_used.get(session_hash or "", begun)
            (self.forget_unless_used if last > begun else self.forget)(session_hash)

        asyncio.get_running_loop().call_later(UNUSED, look)

    def forget(self, session_hash: str | None) -> None:
        """Forget all of a session, which gradio keeps until there are thousands more."""
        if session_hash is not None:
            self.state_holder.delete_state(session_hash)
            self.state_holder.session_data.pop(session_hash, None)
            self.state_holder.time_last_used.pop(session_hash, None)

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Return the arguments of an endpoint; those that were left out are None."""
        if block_fn.api_visibility != "public":
            return await self._from_page(block_fn, inputs, state, explicit_call)
        if len(inputs) > len(block_fn.inputs):
            raise gr.Error(
                f"{len(inputs)} values are too many: {usage(self, str(block_fn.api_name))}.",
                print_exception=False,
            )
        pairs = zip_longest(block_fn.inputs, inputs)
        return [await received(component, sent) for component, sent in pairs]

    async def _from_page(self, block_fn: BlockFunction, inputs: list[Any], *others: Any) -> Any:
        """Return the arguments of a function of the page; others may call it with anything."""
        if any(isinstance(each, list) and len(each) > MAX_LIST for each in inputs):
            raise gr.Error(f"At most {MAX_LIST} files are taken at a time.", print_exception=False)
        try:
            return await super().preprocess_data(block_fn, inputs, *others)
        except gr.Error:
            raise
        except Exception as error:  # gradio's, Python's or of a data model
            logger.info("Refused what was sent to %s: %.200s", block_fn.name, error)
            raise gr.Error(NOT_OURS, print_exception=False) from None


class Sessions(StateHolder):
    """What is remembered of visitors, by names of limited length."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Return what is remembered of a visitor."""
        if len(session_id) > MAX_NAME:
            raise gr.Error(LONG_NAME, print_exception=False)
        return super().__getitem__(session_id)


routes.StateHolder = Sessions  # type: ignore[misc]  # there is no other way in


def in_turns(events: list[Event]) -> list[Event]:
    """Order events that wait so that visitors take turns, each with their oldest one first.

    Addresses take turns, and sessions of an address: a name for a session costs nothing.
    """
    in_time = sorted(events, key=lambda event: event.enqueue_time)
    by_session = _in_turns(in_time, lambda event: event.session_hash)
    return _in_turns(by_session, lambda event: _address(event.request))


def _in_turns(events: list[Event], owner: Callable[[Event], str]) -> list[Event]:
    turns: Counter[str] = Counter()
    ordered = []
    for event in events:
        ordered.append((turns[owner(event)], event.enqueue_time, event))
        turns[owner(event)] += 1
    return [event for *_, event in sorted(ordered, key=lambda each: each[:2])]


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _size(request: Request) -> int:
    """Return the bytes of a request that are in memory."""
    body = request.scope.get("ser.body")
    return body.n_bytes if body else 0


def has_left() -> bool:
    """Tell whether the client whose call is being answered has closed its connection."""
    demo, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if demo is None or event_id is None:
        return False
    event = demo._queue.event_ids_to_events.get(event_id)
    return event is not None and not event.alive
