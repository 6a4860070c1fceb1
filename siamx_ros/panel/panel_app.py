"""Requests to the panel: one page, one WebSocket, one address for commands; imports no ROS."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
import logging
from typing import Any, Callable

from aiohttp import web

from siamx_ros.errors import InputError
from siamx_ros.panel.access import Access
from siamx_ros.panel.image_feed import Picture, to_picture
from siamx_ros.panel.operator_commands import Command, Reply, parse_command
from siamx_ros.panel.state_feed import SAMPLE_PERIOD_S, box_values
from siamx_ros.panel.viewer import Viewer, image_message

PAGE, LOCKED = 'index.html', 'locked.html'
TYPES = {'html': 'text/html', 'css': 'text/css', 'js': 'text/javascript', 'svg': 'image/svg+xml'}
MAX_REQUEST = 4096
"""Bytes of a command or of a message of a page."""
FREE = ('/panel.css', '/icon.svg')
"""What the page that asks for the token needs."""
HEADERS = {
    'Content-Security-Policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer',
    'X-Frame-Options': 'DENY', 'Cache-Control': 'no-store',
    'Cross-Origin-Resource-Policy': 'same-origin'}
_log = logging.getLogger(__name__)


class PanelApp:
    """Requests in, answers out.

    Attributes:
        viewers: the pages that are open.

    Args:
        robot: has ``images``, ``state``, ``config`` and ``execute`` of
            :class:`siamx_ros.panel.panel_node.PanelNode`.
    """

    def __init__(self, robot: Any, access: Access, port: int) -> None:
        self._robot, self._access = robot, access
        self._cookie = f'siamx_panel_{port}'
        self._encoder = ThreadPoolExecutor(1, 'jpeg')
        self._encoded: tuple[int, asyncio.Future[Picture]] | None = None
        self._image_error = ''
        self._page = page_files()
        self._driver = ''
        self.viewers: dict[str, Viewer] = {}

    def make(self) -> web.Application:
        """The application, to be run."""
        app = web.Application(middlewares=[self._guard], client_max_size=MAX_REQUEST)
        app.router.add_get('/', self._get_page)
        app.router.add_get('/socket', self._get_socket)
        app.router.add_post('/command', self._post_command)
        for name in self._page:
            if name not in (PAGE, LOCKED):
                app.router.add_get(f'/{name}', self._get_file)
        app.on_response_prepare.append(self._add_headers)
        app.on_shutdown.append(self._close)
        app.cleanup_ctx.append(self._sampling)
        return app

    def wake(self) -> None:
        """Tell all pages that there is something new; in the thread of the loop."""
        for viewer in self.viewers.values():
            viewer.wake()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable) -> web.StreamResponse:
        """Let nobody in without the token, from another web site, or by another name."""
        access, host = self._access, request.headers.get('Host', '')
        if not access.is_right_host(host):
            return _refused(403, 'This panel is reached by the name localhost only.')
        if request.path not in FREE and not access.is_let_in(
                request.cookies.get(self._cookie, '')):
            return self._let_in(request)
        if request.path in ('/socket', '/command') and not access.is_same_origin(
                request.headers.get('Origin', ''), host):
            return _refused(403, 'This does not come from a page of this panel.')
        return await handler(request)

    def _let_in(self, request: web.Request) -> web.StreamResponse:
        """Turn the token of the link into a cookie, so that it leaves the address line."""
        if request.path != '/':
            return _refused(401, 'The token is missing: open the link with the token again.')
        given = request.query.get('token', '')
        if self._access.knows_token(given):
            answer = web.Response(status=303, headers={'Location': '/'})
            answer.set_cookie(self._cookie, self._access.cookie, httponly=True,
                              samesite='Lax', secure=request.secure)
            return answer
        if given:
            _log.warning('a wrong token came from %s', request.remote)
        return self._file(LOCKED, 401)

    async def _get_page(self, request: web.Request) -> web.StreamResponse:
        if 'token' in request.query:
            return web.Response(status=303, headers={'Location': '/'})
        return self._file(PAGE)

    async def _get_file(self, request: web.Request) -> web.StreamResponse:
        return self._file(request.path[1:])

    def _file(self, name: str, status: int = 200) -> web.Response:
        body, kind = self._page[name]
        return web.Response(body=body, content_type=kind, charset='utf-8', status=status)

    async def _post_command(self, request: web.Request) -> web.StreamResponse:
        try:
            command = parse_command(await _body(request))
        except InputError as error:
            return web.json_response({'ok': False, 'message': str(error)}, status=400)
        reply = await self._execute(command)
        return web.json_response({'ok': reply.ok, 'message': reply.message})

    async def _execute(self, command: Command) -> Reply:
        """Do it; the page that begins to follow must stay, if losing it is to stop the robot."""
        reply = await self._robot.execute(command)
        if command.action == 'stop':
            self._driver = ''
        elif command.action == 'follow' and reply.ok:
            self._driver = command.viewer
            if command.viewer not in self.viewers and await self._stop_without_driver():
                return Reply(False, 'This page is not connected, and stop_on_disconnect is set.')
        return reply

    async def _stop_without_driver(self) -> bool:
        """Stop, where losing the page shall do that; returns whether it shall."""
        if not self._robot.config.stop_on_disconnect:
            return False
        _log.warning('the page that began to follow is gone: stopping')
        self._driver = ''
        await self._robot.execute(Command('stop'))
        return True

    async def _get_socket(self, request: web.Request) -> web.StreamResponse:
        if len(self.viewers) >= self._robot.config.max_viewers:
            return _refused(503, f'{len(self.viewers)} pages are open, more are not served.')
        socket = web.WebSocketResponse(max_msg_size=MAX_REQUEST, compress=False)
        await socket.prepare(request)
        viewer = Viewer(socket, self._hello, self._state, self._image,
                        lambda: 1 / self._robot.config.image_rate, request.transport.abort)
        self.viewers[viewer.name] = viewer
        try:
            await viewer.serve()
        finally:
            del self.viewers[viewer.name]
            if viewer.name == self._driver:
                await self._stop_without_driver()
        return socket

    def _hello(self, name: str) -> dict[str, Any]:
        return {'type': 'hello', 'viewer': name, 'history': self._robot.state.history()}

    def _state(self) -> dict[str, Any]:
        return {'type': 'state', **self._robot.state.snapshot(), 'image_error': self._image_error}

    async def _image(self, than: int) -> tuple[int, bytes] | None:
        """The image message that is newer than a number; encoded once for all pages."""
        shown, config = self._robot.images.newest(), self._robot.config
        if shown is None or shown.number == than:
            return None
        if self._encoded is None or self._encoded[0] != shown.number:
            self._encoded = shown.number, asyncio.get_running_loop().run_in_executor(
                self._encoder, to_picture, shown.message, config)
        try:
            picture = await asyncio.shield(self._encoded[1])
        except InputError as error:
            self._image_error = str(error)
            return None
        self._image_error = ''
        header = shown.message.header
        return shown.number, image_message({
            'stamp': [header.stamp.sec, header.stamp.nanosec], 'frame_id': header.frame_id,
            'size': picture.size, 'box': box_values(shown.target)}, picture.jpeg)

    async def _sampling(self, _app: web.Application):
        async def sample() -> None:
            while True:
                self._robot.state.sample()
                await asyncio.sleep(SAMPLE_PERIOD_S)
        task = asyncio.create_task(sample())
        yield
        task.cancel()
        self._encoder.shutdown(wait=False)

    async def _close(self, _app: web.Application) -> None:
        for viewer in list(self.viewers.values()):
            await viewer.close()

    async def _add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)


def page_files() -> dict[str, tuple[bytes, str]]:
    """Name of each file -> its content and type, read once: no request ever names a file."""
    folder = files('siamx_ros.panel') / 'static'
    return {file.name: (file.read_bytes(), TYPES[file.name.rpartition('.')[2]])
            for file in folder.iterdir() if file.name.rpartition('.')[2] in TYPES}


async def _body(request: web.Request) -> bytes:
    """What was sent.

    Raises:
        InputError: it is not what its header says, or the page left before its end.
    """
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        raise InputError('the command cannot be read.') from None


def _refused(status: int, sentence: str) -> web.Response:
    return web.json_response({'ok': False, 'message': sentence}, status=status)
