"""The panel beside tracker and follower, over DDS and HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from types import SimpleNamespace

from aiohttp import ClientSession, CookieJar, WSMsgType
from command_line import refused, script
import pytest
from security_policy import check_policy

from siamx_ros.msg import TrackerStatus as S

pytestmark = pytest.mark.ros
PATIENCE_S = 60
# An answer is lost where a service does not know yet who asks.
NOT_FOUND_YET = ('is not offered', 'did not answer')


class Page:
    """What a browser does, without one."""

    def __init__(self, session: ClientSession, socket, origin: str, viewer: str) -> None:
        self._session, self._socket, self._origin = session, socket, origin
        self.viewer = viewer

    async def ask(self, action: str, **values) -> dict:
        """POST a command until the nodes have found each other, both ways; returns the answer."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = await self.press(action, **values)
            if answer['ok'] or time.monotonic() > deadline or not any(
                    words in answer['message'] for words in NOT_FOUND_YET):
                return answer

    async def press(self, action: str, **values) -> dict:
        """POST a command; returns the answer."""
        async with self._session.post(
                f'{self._origin}/command', headers={'Origin': self._origin},
                data=json.dumps({'action': action, 'viewer': self.viewer, **values})) as answer:
            return await answer.json()

    async def until(self, condition, show=lambda: None):
        """Read until a message (state, or header of an image) fulfils a condition."""
        deadline = time.monotonic() + PATIENCE_S
        await self._socket.send_str('next')
        while time.monotonic() < deadline:
            show()
            message = await self._socket.receive(timeout=PATIENCE_S)
            assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
            if message.type is WSMsgType.TEXT:
                found = json.loads(message.data)
                await self._socket.send_str('alive')
            else:
                found = json.loads(message.data[4:4 + int.from_bytes(message.data[:4], 'big')])
                await self._socket.send_str('next')
            if condition(found):
                return found
        raise AssertionError('nothing like that came')


def on_page(panel, work) -> None:
    """Run a coroutine function with a page of a panel."""
    async def run() -> None:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            async with session.get(panel.address) as answer:
                assert answer.status == 200
            async with session.ws_connect(
                    f'{panel.origin}/socket', headers={'Origin': panel.origin}) as socket:
                hello = await socket.receive_json(timeout=PATIENCE_S)
                await work(Page(session, socket, panel.origin, hello['viewer']))
    asyncio.run(asyncio.wait_for(run(), 2 * PATIENCE_S))


@pytest.fixture(scope='module')
def panel(shared, make_panel):
    """One panel beside the module's tracker."""
    return make_panel(shared.namespace, image_rate=60.0)


@pytest.fixture
def camera(rig, make_scene):
    """Publishes the scene now, at most 30 times a second."""
    last = [0.0]

    def show() -> None:
        if time.monotonic() - last[0] >= 1 / 30:
            last[0] = time.monotonic()
            rig.clock_ns = max(rig.clock_ns + 1, time.time_ns())
            image = make_scene()
            image[0, 1] = rig.clock_ns % 251  # the same bytes again would be a frozen picture
            rig.probe.publish(image, rig.clock_ns)
    return show


def is_image(message: dict) -> bool:
    return 'size' in message


def test_a_drawn_target_is_given_with_the_stamp_of_its_image(panel, rig, camera):
    async def work(page):
        await page.until(lambda m: m.get('state') == 'UNINITIALISED')
        seen = await page.until(is_image, camera)
        assert seen['size'] == [160, 120] and seen['box'] is None
        answer = await page.ask('target', box=[60, 40, 40, 32], stamp=seen['stamp'],
                                size=seen['size'], frame_id=seen['frame_id'])
        assert answer['ok'], answer
        rig.status(S.STATE_TRACKING)
        followed = await page.until(lambda m: is_image(m) and m['box'], camera)
        assert followed['box']['xywh'] == [60, 40, 40, 32] and followed['box']['valid']
        state = await page.until(lambda m: m.get('state') == 'TRACKING', camera)
        assert state['confidence'] == 1.0 and 0 <= state['age'] < 10 and state['rate'] > 0
        refused = await page.press('target', box=[60, 40, 1, 1], stamp=seen['stamp'],
                                   size=seen['size'])
        assert not refused['ok'] and refused['message']
    on_page(panel, work)


def test_a_box_may_be_drawn_slowly(make_rig, make_panel):
    rig = make_rig({'buffer_seconds': 0.5})
    panel = make_panel(rig.namespace)

    async def draw(page) -> dict:
        """Begin a box, let 2 s of images pass, and give it."""
        begin = list(divmod(rig.clock_ns, 10**9))  # older ones may still be on their way
        seen = await page.until(lambda m: is_image(m) and m['stamp'] > begin, rig.show)
        image = {key: seen[key] for key in ('stamp', 'size', 'frame_id')}
        assert (await page.press('hold', **image))['ok']
        for _ in range(20):
            rig.show(step=0.1)
        return await page.ask('target', box=[60, 40, 40, 32], **image)

    async def work(page):
        answers = [await draw(page)]
        while not answers[-1]['ok'] and len(answers) < 10:  # the nodes may still find each other
            answers.append(await draw(page))
        assert answers[-1]['ok'], answers
    on_page(panel, work)


def test_pause_resume_and_reset_reach_the_tracker(panel, rig, camera):
    rig.started()

    async def work(page):
        for action, state in (('pause', 'PAUSED'), ('resume', 'LOST'), ('reset', 'UNINITIALISED')):
            answer = await page.ask(action)
            assert answer['ok'], answer
            await page.until(lambda m: m.get('state') == state)
    on_page(panel, work)


def test_images_are_taken_only_while_somebody_looks(panel, rig, camera, repository):
    topic = f'{rig.namespace}/image'
    before = 1  # the tracker

    def listeners() -> int:
        return rig.probe.node.count_subscribers(topic)

    async def work(page):
        await page.until(is_image, camera)
        assert listeners() == before + 1
        check_policy(repository, rig.probe, 'panel', rig.namespace, {'/image/compressed'})
    assert rig.probe.wait(lambda: listeners() == before)
    on_page(panel, work)
    assert rig.probe.wait(lambda: listeners() == before)


def test_without_a_follower_stop_pauses_the_tracker_and_says_so(panel, rig, camera):
    rig.started()

    async def work(page):
        answer = await page.press('follow')
        assert not answer['ok'] and 'follower/enable is not offered' in answer['message']
        answer = await page.press('stop')
        assert not answer['ok'] and 'The tracker was paused instead' in answer['message']
        await page.until(lambda m: m.get('state') == 'PAUSED')
    on_page(panel, work)


def test_follow_and_stop_reach_the_follower(panel, rig, follower):
    async def work(page):
        answers = [await page.ask(action) for action in ('stop', 'resume', 'follow')]
        assert all(answer['ok'] for answer in answers), answers
        heard = await page.until(lambda m: m.get('follower') and m['follower']['enabled'])
        assert heard['follower']['state'] == 'STANDING' and heard['follower']['reason']
        assert (await page.ask('stop'))['ok']
        await page.until(lambda m: m.get('follower') and not m['follower']['enabled'])
    on_page(panel, work)
    assert rig.probe.heard['status'][-1].state == S.STATE_UNINITIALISED, 'the tracker goes on'


def test_on_a_network_there_is_a_token_and_the_end_stops_what_was_begun(
        rig, make_panel, follower):
    panel = make_panel(rig.namespace, host='0.0.0.0', stop_on_disconnect=True)
    token = panel.address.partition('?token=')[2]
    assert len(token) >= 32
    origin = f'http://127.0.0.1:{panel.origin.rpartition(":")[2]}'
    site = SimpleNamespace(origin=origin, address=f'{origin}/?token={token}')
    ended = []

    async def work(page):
        async with ClientSession() as stranger, stranger.get(origin) as answer:
            assert answer.status == 401
        assert (await page.ask('follow'))['ok']
        assert await asyncio.to_thread(follower.is_enabled)
        ended.append(await asyncio.to_thread(panel.stop, signal.SIGTERM))
    on_page(site, work)
    assert ended == [0], panel.lines
    assert follower.is_enabled(False)
    assert not [line for line in panel.lines if 'Traceback' in line], panel.lines


@pytest.mark.parametrize('given, message', [
    (('-p', 'token_file:=/nothing/there'), 'the token cannot be read from /nothing/there'),
    (('-p', 'host:=not an address'), 'the panel cannot listen on not an address'),
    (('-p', 'port:=70000'), 'port')])
def test_a_start_that_cannot_be_is_refused_in_one_sentence(given, message):
    refused(script('panel', '--ros-args', *given), message)
