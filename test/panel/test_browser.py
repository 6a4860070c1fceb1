"""The page in a real browser: a target is drawn, TRACKING is read, stop is pressed.

SIAMX_PANEL_PICTURE=FOLDER also leaves pictures of the page there (docs/panel.md).
"""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import time

from browser_page import (
    BROWSER, DRIVER, FLAGS, PATIENCE_S, PHONE, WIDE, Page, ScenePublisher, flying, still)
import cv2
import numpy as np
from panel_rig import FollowerProcess
import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = [pytest.mark.ros, pytest.mark.skipif(
    not (BROWSER and DRIVER), reason='chromium and chromium-driver are not installed')]
PICTURE_S = 66.0
"""So long is looked at the page for its picture: the charts show a minute."""


@pytest.fixture(scope='module')
def ground():
    """The courtyard of the demonstration, seen from above."""
    pytest.importorskip('skimage', reason='scikit-image is not installed')
    from siamx_ros.demo.clip import DemoClip
    return DemoClip(seconds=0.1).ground


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
    page.reads('drive', 'Not following')
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
    page.reads('drive', 'Not following')
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
