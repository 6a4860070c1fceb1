"""The web server of the panel with a robot that a test makes up, and a browser's requests."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from siamx_ros.panel.access import Access
from siamx_ros.panel.image_feed import ImageFeed
from siamx_ros.panel.operator_commands import Reply
from siamx_ros.panel.panel_app import PanelApp
from siamx_ros.panel.panel_config import PanelConfig
from siamx_ros.panel.state_feed import StateFeed

PATIENCE_S = 30


class FakeRobot:
    """Keeps the commands; answers as the test wants."""

    def __init__(self, **config) -> None:
        self.images, self.state = ImageFeed(), StateFeed(lambda: 100.0, lambda: 100.0)
        self.config = PanelConfig(**config)
        self.commands: list = []
        self.reply = Reply(True, 'done')

    async def execute(self, command) -> Reply:
        self.commands.append(command)
        return self.reply

    def show(self, number: int, data: bytes) -> None:
        """A camera gives an image."""
        stamp = SimpleNamespace(sec=7, nanosec=number)
        self.images.add(SimpleNamespace(
            header=SimpleNamespace(stamp=stamp, frame_id='camera'), format='jpeg', data=data), 0.0)


def jpeg(size: int = 0) -> bytes:
    """Bytes that claim to be a JPEG of 8 x 6 pixels, and some more."""
    return (b'\xff\xd8\xff\xc0\x00\x11\x08\x00\x06\x00\x08' + bytes(12)).ljust(size, b'\0')


class Site:
    """A running panel and a browser's requests."""

    def __init__(self, client: TestClient, app: PanelApp, robot: FakeRobot) -> None:
        self.client, self.app, self.robot = client, app, robot
        self.origin = str(client.make_url('/')).rstrip('/')

    async def command(self, data, **headers):
        """POST a command; (status, answer)."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        async with self.client.post(
                '/command', data=body, headers={'Origin': self.origin, **headers}) as answer:
            return answer.status, await answer.json()

    async def open(self, **headers):
        """Open the WebSocket; (socket, first message)."""
        page = await self.client.ws_connect(
            '/socket', headers={'Origin': self.origin, **headers}, max_msg_size=0)
        return page, await page.receive_json()

    async def until(self, condition) -> None:
        """Wait until a condition holds."""
        async def check() -> None:
            while not condition():
                await asyncio.sleep(0.01)
        await asyncio.wait_for(check(), PATIENCE_S)


def on_site(token: str = '', **config):
    """Run a coroutine function with a site; decorates a test."""
    def decorate(test):
        def run() -> None:
            async def with_site() -> None:
                robot = FakeRobot(**config)
                app = PanelApp(robot, Access(token), 8080)
                async with TestClient(TestServer(app.make())) as client:
                    await test(Site(client, app, robot))
            asyncio.run(asyncio.wait_for(with_site(), 2 * PATIENCE_S))
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run
    return decorate


async def state_of(page) -> dict:
    """The next state message."""
    while True:
        message = await page.receive(timeout=PATIENCE_S)
        if message.type is WSMsgType.TEXT:
            return json.loads(message.data)


async def image_of(page) -> tuple[dict, bytes]:
    """The next image: header and JPEG."""
    while True:
        message = await page.receive(timeout=PATIENCE_S)
        assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
        if message.type is WSMsgType.BINARY:
            length = int.from_bytes(message.data[:4], 'big')
            return json.loads(message.data[4:4 + length]), message.data[4 + length:]
