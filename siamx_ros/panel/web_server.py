"""The panel's web server, in a thread of its own; imports no ROS."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
import logging
from threading import Lock, Thread
from typing import Any, Coroutine

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from siamx_ros.errors import InputError
from siamx_ros.panel.access import Access
from siamx_ros.panel.panel_app import PanelApp

START_PATIENCE_S = 10.0
LOG = logging.getLogger(__name__)


def _shortened(record: logging.LogRecord) -> bool:
    """A malformed request, as any scan of ports sends, is a line and no defect of ours."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (HttpProcessingError, web.RequestPayloadError)):
        reason = ' '.join(str(error).split())[:120]
        record.levelno, record.levelname = logging.WARNING, 'WARNING'
        record.msg, record.args = 'refused a malformed request: %s', (reason,)
        record.exc_info = record.exc_text = None
    return True


LOG.addFilter(_shortened)


class WebServer:
    """Runs a :class:`PanelApp` in a thread of its own.

    Attributes:
        port: on which it listens.
    """

    def __init__(self, robot: Any, token: str) -> None:
        self._robot, self._access = robot, Access(token)
        self._loop = asyncio.new_event_loop()
        self._app: PanelApp | None = None
        self._lock, self._waking = Lock(), False
        self._thread = Thread(target=self._loop.run_forever, name='web server', daemon=True)
        self._runner: web.AppRunner | None = None
        self.port = 0

    def start(self) -> None:
        """Listen.

        Raises:
            InputError: the address cannot be used.
        """
        self._thread.start()
        self._run(self._listen()).result()

    def viewers(self) -> int:
        """How many pages are open."""
        return 0 if self._app is None else len(self._app.viewers)

    def wake(self) -> None:
        """Tell all pages that there is something new; from any thread, nothing piles up."""
        with self._lock:
            if self._waking or self._loop.is_closed():
                return
            self._waking = True
        self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> Future:
        """Begin to end, which stops the robot where losing the page does; returns a future."""
        return self._run(self._end())

    def _wake(self) -> None:
        with self._lock:
            self._waking = False
        if self._app is not None:
            self._app.wake()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _listen(self) -> None:
        config = self._robot.config
        self._app = PanelApp(self._robot, self._access, config.port)
        self._runner = web.AppRunner(
            self._app.make(), access_log=None, logger=LOG, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, config.host, config.port)
            await asyncio.wait_for(site.start(), START_PATIENCE_S)  # a name may have to be found
        except (OSError, asyncio.TimeoutError) as error:
            reason = getattr(error, 'strerror', None) or 'the name is not found'
            raise InputError(f'the panel cannot listen on {config.host} port {config.port}: '
                             f'{reason}.') from None
        self.port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        await self._runner.cleanup()
        self._loop.call_soon(self._loop.stop)
