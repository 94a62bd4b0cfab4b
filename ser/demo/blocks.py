"""The page as gradio serves it, but that visitors take turns and that nothing is remembered."""

from collections import Counter
from itertools import zip_longest
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.context import LocalContext
from gradio.queueing import Event
from gradio.state_holder import SessionState

from ser.demo.received import received, usage


class Demo(gr.Blocks):
    """`gr.Blocks` that is fair and forgets.

    Public endpoints take each file as a path or a `NotReceivedError`, and leave nothing behind in
    memory.
    """

    def queue(self, **settings: Any) -> "Demo":
        """Queue as gradio does, but let visitors take turns."""
        super().queue(api_open=False, **settings)  # nothing goes round the queue
        push = self._queue.push

        async def push_fairly(*inputs: Any, **named: Any) -> Any:
            outcome = await push(*inputs, **named)
            for waiting in self._queue.event_queue_per_concurrency_id.values():
                waiting.queue[:] = in_turns(waiting.queue)
            return outcome

        self._queue.push = push_fairly  # type: ignore[method-assign]
        return self

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
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        if len(inputs) > len(block_fn.inputs):
            raise gr.Error(
                f"{len(inputs)} values are too many: {usage(self, str(block_fn.api_name))}.",
                print_exception=False,
            )
        pairs = zip_longest(block_fn.inputs, inputs)
        return [await received(component, sent) for component, sent in pairs]


def in_turns(events: list[Event]) -> list[Event]:
    """Order events that wait so that visitors take turns, each with their oldest one first.

    A visitor is a session, or the address where a program asks without one.
    """
    turns: Counter[str] = Counter()
    ordered = []
    for number, event in enumerate(sorted(events, key=lambda event: event.enqueue_time)):
        client = event.request.client
        has_session = event.session_hash != event._id
        visitor = event.session_hash if has_session or client is None else client.host
        ordered.append((turns[visitor], number, event))
        turns[visitor] += 1
    return [event for *_, event in sorted(ordered, key=lambda each: each[:2])]


def has_left() -> bool:
    """Tell whether the client whose call is being answered has closed its connection."""
    demo, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if demo is None or event_id is None:
        return False
    event = demo._queue.event_ids_to_events.get(event_id)
    return event is not None and not event.alive
