"""Open pages: the newest image, many viewers, one that sleeps, one that is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
import socket

from aiohttp import WSServerHandshakeError
from panel_site import PATIENCE_S, image_of, jpeg, on_site, state_of
import pytest

from siamx_ros.panel import viewer as viewer_module


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
