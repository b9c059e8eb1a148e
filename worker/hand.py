"""Everything this worker has in hand: received, and neither deleted nor released yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from worker.sqs import Message


class Hand:
    """The messages in hand, by receipt handle; each may have a callback for the loss of its handle."""

    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._on_lost: dict[str, Callable[[str], object]] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(list(self._messages.values()))

    def __contains__(self, message: Message) -> bool:
        return message.receipt_handle in self._messages

    def take(self, message: Message) -> None:
        """A message was received."""
        self._messages[message.receipt_handle] = message

    def drop(self, message: Message) -> None:
        """A message was deleted or released, or its handle is lost."""
        self._messages.pop(message.receipt_handle, None)
        self._on_lost.pop(message.receipt_handle, None)

    def watch(self, message: Message, on_lost: Callable[[str], object]) -> None:
        """Call back with the reason when the handle of the message is lost."""
        self._on_lost[message.receipt_handle] = on_lost

    def unwatch(self, message: Message) -> None:
        """Nobody works on the message any more."""
        self._on_lost.pop(message.receipt_handle, None)

    def lose(self, message: Message, reason: str) -> None:
        """The message is no longer ours: SQS may hand it to another worker at any moment."""
        message.lost = reason
        callback = self._on_lost.get(message.receipt_handle)
        self.drop(message)
        if callback is not None:
            callback(reason)
