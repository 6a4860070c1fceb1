"""The page in a real browser: a target is drawn, TRACKING is read, stop is pressed.

SIAMX_PANEL_PICTURE=FOLDER also leaves pictures of the page there (docs/panel.md).
"""

from __future__ import annotations

from itertools import count
import os
from pathlib import Path
import shutil
import subprocess
from threading import Event, Thread
import time

import numpy as np
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


class Camera:
    """Shows the scripted tracker a scene all the time, so that the page lives."""

    def __init__(self, rig, image: np.ndarray) -> None:
        self._rig, self._image = rig, image
        self._end = Event()
        self.confidence = 1.0
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join(10)

    def _run(self) -> None:
        for number in count():
            if self._end.wait(1 / 15):
                return
            image = self._image.copy()
            image[0, 1] = number % 256  # the same bytes again would be a frozen picture
            image[0, 0] = 0, round(self.confidence * 255), 0
            self._rig.probe.publish(image, time.time_ns())


@pytest.fixture(scope='module')
def camera(shared):
    """A courtyard seen from above: the world of the demonstration."""
    skimage = pytest.importorskip('skimage', reason='scikit-image is not installed')
    from siamx_ros.demo.scene import build_scene
    del skimage
    ground = build_scene().ground[480:1080, 300:1100]
    camera = Camera(shared, np.ascontiguousarray(ground))
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
        def look(_):
            try:
                return condition()
            except Exception:
                return False
        WebDriverWait(self.browser, PATIENCE_S, 0.1).until(look, what)

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

    def save(self, name: str) -> None:
        """Leave a picture where one was asked for."""
        folder = os.environ.get('SIAMX_PANEL_PICTURE')
        if folder:
            self.browser.save_screenshot(str(Path(folder) / name))


@pytest.fixture
def page(browser, make_panel, rig, camera):
    camera.confidence = 1.0
    assert rig.set_parameters(fallback_hfov=60.0, target_height=1.7).successful
    page = Page(browser)
    page.resize(WIDE)
    browser.get(make_panel(rig.namespace).address)
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
    page.save('panel.png')
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
    page.save('panel_phone.png')
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
