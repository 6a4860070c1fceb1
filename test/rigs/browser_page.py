"""The page of the panel in a real browser, as a person sees and handles it, and scenes to show."""

from __future__ import annotations

import shutil
from threading import Event, Thread
import time
from typing import Callable

import cv2
import numpy as np
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

BROWSER, DRIVER = shutil.which('chromium'), shutil.which('chromedriver')
PATIENCE_S = 60
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--hide-scrollbars')
WIDE, PHONE = (1280, 800), (360, 740)
CUP = (560, 770)
"""Middle of the blue cup in the courtyard, pixels."""


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
