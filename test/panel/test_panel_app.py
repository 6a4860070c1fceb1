"""The web server with a robot of this test: who gets in, what gets through, who is kept waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress
import json
import socket
from types import SimpleNamespace

import pytest

pytest.importorskip('aiohttp', reason='aiohttp is not installed')

from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError  # noqa: E402
from aiohttp.test_utils import TestClient, TestServer  # noqa: E402

from siamx_ros.panel import viewer as viewer_module  # noqa: E402
from siamx_ros.panel.access import Access  # noqa: E402
from siamx_ros.panel.image_feed import ImageFeed  # noqa: E402
from siamx_ros.panel.operator_commands import Reply  # noqa: E402
from siamx_ros.panel.panel_app import PanelApp  # noqa: E402
from siamx_ros.panel.panel_config import PanelConfig  # noqa: E402
from siamx_ros.panel.state_feed import StateFeed  # noqa: E402

TOKEN = 'the token of this test'
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


@on_site()
async def test_the_page_and_its_files_load_nothing_from_elsewhere(site):
    async with site.client.get('/') as answer:
        text = await answer.text()
        assert answer.status == 200 and answer.content_type == 'text/html'
        assert "default-src 'none'" in answer.headers['Content-Security-Policy']
        assert answer.headers['X-Content-Type-Options'] == 'nosniff'
    for name in ('panel.css', 'panel.js', 'view.js', 'charts.js', 'connection.js', 'icon.svg'):
        async with site.client.get(f'/{name}') as answer:
            assert answer.status == 200, name
            text += await answer.text()
    assert 'http://' not in text.replace('http://www.w3.org/2000/svg', '')
    assert 'https://' not in text and '//cdn' not in text and 'style="' not in text


@on_site()
async def test_no_path_reaches_a_file(site):
    paths = ['/setup.py', '/index.html', '/locked.html', '/../panel_app.py', '/static/panel.js',
             '/%2e%2e/panel_app.py', '/..%2fpanel_app.py', '//etc/passwd', '/panel.css/../../x',
             '/etc/passwd', '/....//panel_app.py', '/panel.js%00.html', '/?file=/etc/passwd']
    for path in paths:
        reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
        writer.write(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
                     .encode())
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        status = int(answer.split()[1])
        assert status in (400, 404) or path.startswith('/?') and status == 200, (path, status)
        assert b'root:' not in answer and b'class PanelApp' not in answer


@on_site(token=TOKEN)
async def test_nothing_without_the_token(site):
    for path, status in (('/', 401), ('/panel.js', 401), ('/socket', 401), ('/nothing', 401),
                         ('/?token=wrong', 401), ('/panel.js?token=' + TOKEN, 401),
                         ('/panel.css', 200)):
        async with site.client.get(path, headers={'Origin': site.origin}) as answer:
            assert answer.status == status, path
    assert (await site.command({'action': 'follow'}))[0] == 401
    with pytest.raises(WSServerHandshakeError):
        await site.open()
    assert site.robot.commands == []


@on_site(token=TOKEN)
async def test_the_token_becomes_a_cookie_and_leaves_the_address(site):
    async with site.client.get('/', params={'token': TOKEN}, allow_redirects=False) as answer:
        assert answer.status == 303 and answer.headers['Location'] == '/'
        cookie = answer.cookies['siamx_panel_8080']
        assert cookie['httponly'] and cookie['samesite'] == 'Lax'
        assert TOKEN not in cookie.value
    async with site.client.get('/') as answer:
        assert answer.status == 200 and 'Last minute' in await answer.text()
    page, hello = await site.open()
    assert hello['type'] == 'hello'
    assert await site.command({'action': 'stop'}) == (200, {'ok': True, 'message': 'done'})
    await page.close()


@on_site(token=TOKEN)
async def test_another_site_cannot_use_the_cookie(site):
    async with site.client.get('/', params={'token': TOKEN}) as answer:
        assert answer.status == 200
    for origin in ('http://evil.example', 'null', ''):
        with pytest.raises(WSServerHandshakeError) as error:
            await site.open(Origin=origin)
        assert error.value.status == 403
        assert (await site.command({'action': 'follow'}, Origin=origin))[0] == 403
    assert site.robot.commands == [] and not site.app.viewers


@on_site()
async def test_a_name_given_to_loopback_by_another_site_is_refused(site):
    evil = {'Host': 'evil.example', 'Origin': 'http://evil.example'}
    async with site.client.get('/', headers=evil) as answer:
        assert answer.status == 403
    assert (await site.command({'action': 'follow'}, **evil))[0] == 403


@on_site()
async def test_commands_and_those_that_cannot_be_read(site):
    assert await site.command({'action': 'pause'}) == (200, {'ok': True, 'message': 'done'})
    site.robot.reply = Reply(False, 'The box is too small.')
    assert await site.command({'action': 'reset'}) == (
        200, {'ok': False, 'message': 'The box is too small.'})
    count = len(site.robot.commands)
    for bad in (b'', b'stop', b'{"action": "fly"}', b'\xff', {'action': 'target'}):
        status, answer = await site.command(bad)
        assert status == 400 and not answer['ok'] and answer['message'].endswith('.')
    async with site.client.post('/command', data=bytes(5000),
                                headers={'Origin': site.origin}) as answer:
        assert answer.status == 413
    assert len(site.robot.commands) == count


@on_site(image_rate=60.0)
async def test_an_image_comes_when_it_is_asked_for_and_is_the_newest(site):
    page, hello = await site.open()
    assert hello['viewer'] in site.app.viewers
    for number in range(1, 50):
        site.robot.show(number, jpeg())
        site.app.wake()
    assert (await state_of(page))['type'] == 'state', 'no image before one is asked for'
    await page.send_str('next')
    header, data = await image_of(page)
    assert header == {'stamp': [7, 49], 'frame_id': 'camera', 'size': [8, 6], 'box': None}
    assert data == jpeg()
    await page.send_str('next')
    site.robot.show(50, jpeg())
    site.app.wake()
    assert (await image_of(page))[0]['stamp'] == [7, 50]
    await page.close()
    await site.until(lambda: not site.app.viewers)


@on_site()
async def test_an_image_that_cannot_be_read_is_reported(site):
    page, _ = await site.open()
    site.robot.show(1, b'\xff\xd8 damaged')
    await page.send_str('next')
    while not (message := (await state_of(page))['image_error']):
        site.app.wake()
    assert message.startswith('the compressed image')
    site.robot.show(2, jpeg())
    site.app.wake()
    assert (await image_of(page))[0]['stamp'] == [7, 2]
    await page.close()


@pytest.mark.parametrize('message', ['', '{"type": "next"}', 'x' * 3000, b'next'])
def test_a_page_that_talks_nonsense_is_let_go(message):
    @on_site()
    async def talk(site):
        page, _ = await site.open()
        await (page.send_bytes if isinstance(message, bytes) else page.send_str)(message)
        await site.until(lambda: not site.app.viewers)
        async with site.client.get('/') as answer:
            assert answer.status == 200
    talk()


@on_site(max_viewers=5)
async def test_many_viewers_and_one_too_many(site):
    pages = [(await site.open())[0] for _ in range(5)]
    with pytest.raises(WSServerHandshakeError) as error:
        await site.open()
    assert error.value.status == 503
    site.robot.show(1, jpeg())
    for page in pages:
        await page.send_str('next')
    for page in pages:
        assert (await image_of(page))[0]['stamp'] == [7, 1]
    await pages[0].close()
    await site.until(lambda: len(site.app.viewers) == 4)
    page, _ = await site.open()
    for each in (page, *pages):
        await each.close()


def raw_page(site) -> socket.socket:
    """A browser that opens the WebSocket, asks for an image and then never reads."""
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.connect((site.client.host, site.client.port))
    sleeper.sendall(
        (f'GET /socket HTTP/1.1\r\nHost: {site.origin[7:]}\r\nOrigin: {site.origin}\r\n'
         'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
         'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n').encode()
        + b'\x81\x84\0\0\0\0next')
    return sleeper


def received(sleeper: socket.socket) -> int:
    """Read what still comes to a page, to the end; how many bytes."""
    total = 0
    with sleeper, suppress(ConnectionResetError):
        sleeper.settimeout(PATIENCE_S)
        while data := sleeper.recv(1 << 20):
            total += len(data)
    return total


@pytest.mark.parametrize('silence_s, send_s', [(60.0, 0.5), (0.5, 60.0)])
def test_a_page_that_sleeps_is_let_go_and_delays_nobody(monkeypatch, silence_s, send_s):
    def bound(silence: float, send: float) -> None:
        """How long pages may be silent and not read, from their next message on."""
        monkeypatch.setattr(viewer_module, 'SILENCE_S', silence)
        monkeypatch.setattr(viewer_module, 'SEND_TIMEOUT_S', send)

    @on_site(image_rate=60.0)
    async def sleep(site):
        bound(60.0, 60.0)
        page, _ = await site.open()
        [awake] = site.app.viewers
        site.robot.show(1, jpeg(size := 64_000_000))
        bound(silence_s, send_s)
        sleeper = raw_page(site)
        await site.until(lambda: len(site.app.viewers) == 2)
        asleep = site.app.viewers[next(name for name in site.app.viewers if name != awake)]
        await site.until(lambda: asleep._number == 1)
        bound(60.0, 60.0)
        site.robot.show(2, jpeg())
        await page.send_str('next')
        assert (await image_of(page))[0]['stamp'] == [7, 2]
        await site.until(lambda: [*site.app.viewers] == [awake])
        assert await asyncio.to_thread(received, sleeper) < size / 2, 'the rest is not kept for it'
        await page.close()
    sleep()


@on_site(stop_on_disconnect=True)
async def test_losing_the_page_that_follows_stops_the_robot(site):
    watching, _ = await site.open()
    driving, hello = await site.open()
    await site.command({'action': 'follow', 'viewer': hello['viewer']})
    await watching.close()
    await site.until(lambda: len(site.app.viewers) == 1)
    assert [command.action for command in site.robot.commands] == ['follow']
    await driving.close()
    await site.until(lambda: len(site.robot.commands) == 2)
    assert site.robot.commands[1].action == 'stop'


@on_site(stop_on_disconnect=True)
async def test_a_page_that_is_not_connected_cannot_begin_to_follow(site):
    _, answer = await site.command({'action': 'follow', 'viewer': 'gone'})
    assert not answer['ok']
    assert [command.action for command in site.robot.commands] == ['follow', 'stop']


@on_site()
async def test_losing_the_page_does_not_stop_the_robot_by_itself(site):
    page, hello = await site.open()
    await site.command({'action': 'follow', 'viewer': hello['viewer']})
    await page.close()
    await site.until(lambda: not site.app.viewers)
    assert [command.action for command in site.robot.commands] == ['follow']


@on_site(stop_on_disconnect=True)
async def test_the_end_of_the_panel_ends_what_its_page_began(site):
    _, hello = await site.open()
    await site.command({'action': 'follow', 'viewer': hello['viewer']})
    await site.client.server.close()
    assert [command.action for command in site.robot.commands] == ['follow', 'stop']


def test_a_second_page_from_another_origin_shares_nothing():
    """The state holds no secret, but the cookie is needed for each request on its own."""
    @on_site(token=TOKEN)
    async def run(site):
        async with site.client.get('/', params={'token': TOKEN}) as answer:
            assert answer.status == 200
        async with ClientSession() as stranger, stranger.get(site.origin) as answer:
            assert answer.status == 401
    run()
