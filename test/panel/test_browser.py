"""The page in a real browser: a target is drawn, TRACKING is read, stop is pressed.

SIAMX_PANEL_PICTURE=FOLDER also leaves pictures of the page there (docs/panel.md).
"""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess
from threading import Event, Thread
import time
from typing import Callable

import cv2
import numpy as np
from panel_rig import FollowerProcess
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')
pytest.importorskip('aiohttp', reason='aiohttp is not installed')
pytest.importorskip('selenium', reason='selenium is not installed')

from selenium.webdriver import Chrome, ChromeOptions, ChromeService  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

BROWSER, DRIVER = shutil.which('chromium'), shutil.which('chromedriver')
pytestmark = [pytest.mark.ros, pytest.mark.skipif(
    not (BROWSER and DRIVER), reason='chromium and chromium-driver are not installed')]
PATIENCE_S = 60
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--hide-scrollbars')
WIDE, PHONE = (1280, 800), (360, 740)
CUP = (560, 770)
"""Middle of the blue cup in the courtyard, pixels."""
PICTURE_S = 66.0
"""So long is looked at the page for its picture: the charts show a minute."""


class ScenePublisher:
    """Publishes what a function of the time makes, so that the page lives."""

    def __init__(self, rig, render: Callable[[float], np.ndarray], rate: float = 15.0) -> None:
        self._rig, self._render, self._rate = rig, render, rate
        self._end, self._go = Event(), Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Time begins to pass in the scene."""
        self._go.set()

    def close(self) -> None:
        self._end.set()
        self._thread.join(10)

    def _run(self) -> None:
        begin = time.monotonic()
        while not self._end.wait(1 / self._rate):
            now = time.monotonic()
            begin = begin if self._go.is_set() else now
            image = self._render(now - begin)
            image[0, 1] = round(now * 1000) % 256  # the same bytes again would be a frozen picture
            self._rig.probe.publish(image, time.time_ns())


def still(image: np.ndarray) -> Callable[[float], np.ndarray]:
    """A scene that stands still; the scripted tracker is sure of it."""
    return lambda _seconds: image.copy()


def flying(ground: np.ndarray) -> Callable[[float], np.ndarray]:
    """A camera over the courtyard that circles and climbs; for some seconds a roof hides the cup.

    It begins above the cup, with that in the middle of the image.
    """
    def render(seconds: float) -> np.ndarray:
        angle = seconds * 0.5
        scale = 1.0 + 0.25 * np.sin(seconds * 0.21)
        x, y = CUP[0] + 110 * np.sin(angle), CUP[1] + 50 * np.sin(2 * angle)
        shown = cv2.warpAffine(ground, np.float32(
            [[scale, 0, 320 - scale * x], [0, scale, 240 - scale * y]]), (640, 480))
        if 30 < seconds < 35:
            middle = np.array([320 + scale * (CUP[0] - x), 240 + scale * (CUP[1] - y)])
            corner, other = (tuple(map(int, middle + side * 90 * scale)) for side in (-1, 1))
            cv2.rectangle(shown, corner, other, (96, 104, 112), -1)
        return shown
    return render


@pytest.fixture(scope='module')
def ground():
    """The courtyard of the demonstration, seen from above."""
    pytest.importorskip('skimage', reason='scikit-image is not installed')
    from siamx_ros.demo.scene import build_scene
    return build_scene().ground


@pytest.fixture(scope='module')
def camera(shared, make_scene):
    camera = ScenePublisher(shared, still(make_scene(480, 640)))
    yield camera
    camera.close()


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    options = ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("profile")}',
                 f'--window-size={WIDE[0]},{WIDE[1]}'):
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    driver = Chrome(options, ChromeService(DRIVER, log_output=subprocess.DEVNULL))
    driver.set_page_load_timeout(PATIENCE_S)
    yield driver
    driver.quit()


class Page:
    """What a person sees and does."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def resize(self, size: tuple[int, int], touch: bool = False) -> None:
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': size[0], 'height': size[1], 'deviceScaleFactor': 2 if touch else 1,
            'mobile': touch})
        self.browser.execute_cdp_cmd('Emulation.setTouchEmulationEnabled', {'enabled': touch})

    def find(self, name: str):
        return self.browser.find_element(By.ID, name)

    def until(self, condition, what: str) -> None:
        def check(_):
            try:
                return condition()
            except Exception:
                return False
        WebDriverWait(self.browser, PATIENCE_S, 0.1).until(check, what)

    def reads(self, name: str, text: str) -> None:
        """Wait until an element shows a text."""
        self.until(lambda: text in self.find(name).text, f'{name} should show {text!r}')

    def ready(self) -> None:
        self.reads('link', 'connected')
        self.until(lambda: not self.find('veil').is_displayed(), 'an image should be shown')

    def place(self, x: float, y: float) -> tuple[int, int]:
        """A point of the image, 0 to 1, as pixels from the middle of the canvas."""
        size = self.find('view').size
        return round((x - 0.5) * size['width']), round((y - 0.5) * size['height'])

    def draw(self, corner, other) -> None:
        """With the mouse."""
        view = self.find('view')
        (x0, y0), (x1, y1) = self.place(*corner), self.place(*other)
        ActionChains(self.browser, 50).move_to_element_with_offset(view, x0, y0).click_and_hold(
            ).move_by_offset((x1 - x0) // 2, (y1 - y0) // 2).move_by_offset(
            x1 - x0 - (x1 - x0) // 2, y1 - y0 - (y1 - y0) // 2).release().perform()

    def touch(self, corner, other) -> None:
        """With a finger."""
        area = self.find('view').rect
        points = [(area['x'] + x * area['width'], area['y'] + y * area['height'])
                  for x, y in (corner, ((corner[0] + other[0]) / 2, (corner[1] + other[1]) / 2),
                               other)]
        for kind, place in (('touchStart', points[0]), ('touchMove', points[1]),
                            ('touchMove', points[2]), ('touchEnd', None)):
            self.browser.execute_cdp_cmd('Input.dispatchTouchEvent', {
                'type': kind, 'touchPoints': [] if place is None else [
                    {'x': place[0], 'y': place[1]}]})

    def errors(self) -> list[str]:
        return [entry['message'] for entry in self.browser.get_log('browser')
                if entry['level'] in ('SEVERE', 'WARNING')]

    def picture(self) -> np.ndarray:
        """What is on the screen, H x W x 3 BGR."""
        data = np.frombuffer(self.browser.get_screenshot_as_png(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)


@pytest.fixture(scope='module')
def panel(shared, make_panel):
    return make_panel(shared.namespace)


@pytest.fixture
def page(browser, panel, rig, camera):
    assert rig.set_parameters(fallback_hfov=60.0, target_height=1.7).successful
    page = Page(browser)
    page.resize(WIDE)
    browser.get(panel.address)
    page.ready()
    return page


def accepted_box(rig) -> tuple[float, ...]:
    """Middle and size of the target, as shares of the image."""
    assert rig.probe.wait(lambda: rig.probe.heard['target'][-1].target_id)
    message = rig.probe.heard['target'][-1]
    box, size = message.bbox, (message.image_width, message.image_height)
    centre = box.center.position
    return (centre.x / size[0], centre.y / size[1], box.size_x / size[0], box.size_y / size[1])


def test_draw_see_tracking_and_stop_with_the_mouse(page, rig, follower):
    page.reads('state', 'No target')
    page.draw((0.30, 0.30), (0.50, 0.70))
    page.reads('state', 'Tracking')
    assert accepted_box(rig) == pytest.approx((0.40, 0.50, 0.20, 0.40), abs=0.01)
    page.reads('confidence', '1.00')
    page.reads('rate', 'Hz')
    page.reads('drive', 'Not following')
    page.find('follow').click()
    page.reads('drive', 'Following')
    assert follower.is_enabled()
    page.find('stop').click()
    page.reads('note', 'Stopped')
    page.reads('drive', 'Not following')
    assert follower.is_enabled(False)
    assert not page.errors()


def test_a_phone_and_a_finger(page, rig, follower):
    page.resize(PHONE, touch=True)
    width = page.browser.execute_script('return document.documentElement.scrollWidth')
    assert width == PHONE[0], 'nothing sticks out to the side'
    stop = page.find('stop').rect
    assert stop['width'] > 300 and stop['height'] >= 48
    assert stop['y'] + stop['height'] <= PHONE[1], 'stop is in sight'
    page.touch((0.30, 0.30), (0.50, 0.70))
    page.reads('state', 'Tracking')
    assert accepted_box(rig) == pytest.approx((0.40, 0.50, 0.20, 0.40), abs=0.02)
    page.find('follow').click()
    page.reads('drive', 'Following')
    page.browser.execute_script('window.scrollTo(0, 9999)')
    page.find('stop').click()
    assert follower.is_enabled(False), 'stop is reached from everywhere'


def test_everything_with_the_keyboard(page, rig, follower):
    body = page.browser.find_element(By.TAG_NAME, 'body')
    body.send_keys(Keys.TAB)
    assert page.browser.switch_to.active_element.get_attribute('id') == 'view'
    view = page.find('view')
    view.send_keys(Keys.ENTER, *[Keys.ARROW_LEFT] * 4)
    assert page.find('stage-note').is_displayed()
    view.send_keys(Keys.ENTER)
    page.reads('state', 'Tracking')
    assert accepted_box(rig) == pytest.approx((0.5 - 4 / 64, 0.5, 0.2, 0.4), abs=0.01)
    body.send_keys('p')
    page.reads('state', 'Paused')
    page.reads('pause', 'Resume')
    body.send_keys('p')
    page.reads('pause', 'Pause')
    body.send_keys('r')
    page.reads('state', 'No target')
    body.send_keys('f')
    assert follower.is_enabled()
    body.send_keys(Keys.ESCAPE)
    assert follower.is_enabled(False), 'Escape stops'


@pytest.mark.skipif('SIAMX_PANEL_PICTURE' not in os.environ, reason='no picture is asked for')
def test_the_picture_of_the_documents(
        browser, make_rig, make_panel, ground, tmp_path_factory):
    """Desktop and phone side by side, with the real tracker and follower at work."""
    rig = make_rig({'fallback_hfov': 70.0, 'target_height': 0.6}, scripted=False)
    camera = ScenePublisher(rig, flying(ground), rate=10.0)
    page = Page(browser)
    page.resize(WIDE)
    with FollowerProcess(tmp_path_factory.mktemp('follower'), rig):
        browser.get(make_panel(rig.namespace).address)
        page.ready()
        page.draw((0.41, 0.37), (0.59, 0.60))
        page.reads('state', 'Tracking')
        page.find('follow').click()
        camera.go()
        time.sleep(PICTURE_S)
        page.until(lambda: page.find('drive').text == 'Following', 'the robot should follow')
        wide = page.picture()
        page.resize(PHONE, touch=True)
        time.sleep(1.0)
        phone = page.picture()
    camera.close()
    folder = Path(os.environ['SIAMX_PANEL_PICTURE'])
    cv2.imwrite(str(folder / 'panel.png'), side_by_side(wide, phone),
                [cv2.IMWRITE_PNG_COMPRESSION, 9])


def side_by_side(wide: np.ndarray, phone: np.ndarray) -> np.ndarray:
    """Both pictures, equally high, on a white ground."""
    height = wide.shape[0]
    width = round(phone.shape[1] * height / phone.shape[0])
    phone = cv2.resize(phone, (width, height), interpolation=cv2.INTER_AREA)
    both = np.hstack([wide, np.full((height, 40, 3), 255, np.uint8), phone])
    return cv2.resize(both, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
