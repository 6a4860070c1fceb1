"""One open page: state and images through its WebSocket, at its pace, never more than one ahead."""

from __future__ import annotations

import asyncio
from contextlib import suppress
import json
import secrets
from typing import Any, Awaitable, Callable

from aiohttp import WSCloseCode, WSMsgType, web

SILENCE_S = 5.0
"""A page says something every second; one that is silent for so long is asleep or cut off."""
SEND_TIMEOUT_S = 5.0
"""How long a page may take to accept one message."""
HEARTBEAT_S = 1.0
"""The state is sent at least as often."""


class Viewer:
    """Sends the newest state and, when the page has shown the last image, the newest image.

    Nothing is queued: what was not sent is replaced by what is newer.

    Args:
        state: makes the message of now.
        image: makes the image message that is newer than a number, and its number; None if there
            is no newer one.
        period: makes the shortest time between two messages, seconds.
    """

    def __init__(self, socket: web.WebSocketResponse, hello: Callable[[str], dict[str, Any]],
                 state: Callable[[], dict[str, Any]],
                 image: Callable[[int], Awaitable[tuple[int, bytes] | None]],
                 period: Callable[[], float], abort: Callable[[], None]) -> None:
        self.name = secrets.token_urlsafe(9)
        self._socket, self._hello, self._state, self._image = socket, hello, state, image
        self._period, self._abort = period, abort
        self._news = asyncio.Event()
        self._wants_image = False
        self._number = 0

    def wake(self) -> None:
        """There is something new to send."""
        self._news.set()

    async def close(self) -> None:
        """Tell the page that the panel ends."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b'the panel ends')

    async def serve(self) -> None:
        """Serve the page until it is closed, asleep or cut off."""
        sender = asyncio.create_task(self._send_all())
        receiver = asyncio.create_task(self._receive_all())
        try:
            await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, receiver):
                task.cancel()
            ends = await asyncio.gather(sender, receiver, return_exceptions=True)
        for end in ends:
            if isinstance(end, asyncio.TimeoutError):
                self._abort()  # a farewell would wait for a page that does not read
            elif isinstance(end, Exception) and not isinstance(end, ConnectionError):
                raise end

    async def _receive_all(self) -> None:
        while True:
            message = await self._socket.receive(timeout=SILENCE_S)
            if message.type is not WSMsgType.TEXT:
                return
            if message.data == 'next':
                self._wants_image = True
                self._news.set()
            elif message.data != 'alive':
                await self._socket.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b'expected next or alive')
                return

    async def _send_all(self) -> None:
        await self._send(self._socket.send_str, _text(self._hello(self.name)))
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)
            self._news.clear()
            await self._send(self._socket.send_str, _text(self._state()))
            if self._wants_image:
                await self._send_image()
            await asyncio.sleep(self._period())

    async def _send_image(self) -> None:
        found = await self._image(self._number)
        if found is not None:
            self._number, message = found
            self._wants_image = False
            await self._send(self._socket.send_bytes, message)

    async def _send(self, send: Callable[[Any], Awaitable[None]], data: Any) -> None:
        """Send, or give the page up."""
        await asyncio.wait_for(send(data), SEND_TIMEOUT_S)


def image_message(header: dict[str, Any], jpeg: bytes) -> bytes:
    """Length of the header (4 bytes, big-endian), header as JSON, JPEG."""
    text = _text(header).encode()
    return len(text).to_bytes(4, 'big') + text + jpeg


def _text(values: dict[str, Any]) -> str:
    return json.dumps(values, allow_nan=False, separators=(',', ':'))
