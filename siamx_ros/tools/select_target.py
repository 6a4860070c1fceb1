"""Draw a box on the live image: `ros2 run siamx_ros select_target --image /camera/image_raw`.

The picture stands still while the box is drawn, and the tracker learns on which image that was.
Keys: r drops the target, p pauses and resumes, Esc or q ends. With --clicks the two corners come
from a topic, such as the mouse topic of rqt_image_view, and no window is opened.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Callable

import cv2
from geometry_msgs.msg import Point
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from std_srvs.srv import SetBool, Trigger

from siamx_ros import drawing
from siamx_ros.client.probe import init_request
from siamx_ros.client.tracker_services import TrackerServices
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.conversions import image_from_compressed, image_from_msg
from siamx_ros.messages.from_msg import result_of
from siamx_ros.msg import TrackedTarget
from siamx_ros.node.camera_input import CameraInput
from siamx_ros.node.spin import interruptible, run_tool
from siamx_ros.node_config import NodeConfig
from siamx_ros.srv import InitTarget
from siamx_ros.tools.box_drawing import BoxDrawing

HELP = 'draw a box around the target    r drop   p pause   q quit'
LINE = (255, 255, 255)
PATIENCE_S = 3.0
"""How long no image may come before that is said."""


class Selector(Node):
    """Shows the camera's image with the tracker's answer and turns a drawn box into a target.

    Args:
        tracker: name of the tracker node, relative to the namespace.
        transport: 'raw' or 'compressed'.
    """

    def __init__(self, tracker: str, transport: str) -> None:
        super().__init__('select_target')
        self._transport = transport
        self.drawing = BoxDrawing()
        self.message: Any = None
        self.text = HELP
        self.answers: list[InitTarget.Response] = []
        self._target: TrackedTarget | None = None
        self._paused = False
        self._camera = CameraInput(
            self, NodeConfig(image_transport=transport), on_image=self._take,
            on_info=lambda _: None, on_depth=lambda _: None)
        self.create_subscription(TrackedTarget, f'{tracker}/target', self._on_target, 1)
        self.services_used = TrackerServices(self, tracker)
        self._silent_until: float | None = time.monotonic() + PATIENCE_S
        self.create_timer(0.2, self._check)

    def picture(self) -> np.ndarray | None:
        """What to show now, H x W x 3 BGR; None before the first image."""
        image = self._decode(self.drawing.frame if self.drawing.active else self.message)
        if image is None:
            return None
        if self.drawing.active:
            image = image.copy()
            if self.drawing.box is not None:
                x0, y0, x1, y1 = map(round, self.drawing.box.corners)
                cv2.rectangle(image, (x0, y0), (x1, y1), LINE, 2)
        elif self._target is not None:
            image = drawing.draw_result(image, result_of(self._target))
        else:
            image = image.copy()
        cv2.putText(image, self.text, (8, image.shape[0] - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.5,
                    LINE, 1, cv2.LINE_AA)
        return image

    def press(self, x: float, y: float) -> None:
        """First corner, on the image that is shown; nothing if that cannot be read.

        The tracker is asked to keep that image, however long the drawing takes.
        """
        image = self._decode(self.message)
        if self.message is None:
            self._say(f'there is no image yet: {self._camera.describe()}')
        if image is not None:
            self.drawing.press(x, y, self.message, image.shape[1::-1])
            self.services_used.hold_image(self.message.header)

    def release(self, x: float, y: float) -> None:
        """Second corner; gives the target if the box has an extent."""
        message, box = self.drawing.frame, self.drawing.release(x, y)
        if box is not None:
            self.give(box, message)

    def give(self, box: BoundingBox, message: Any) -> None:
        """Call ~/init for a box on the image on which it was drawn."""
        client = self.services_used.init
        if not client.service_is_ready():
            self._say(f'{client.srv_name} is not offered: is the tracker running?')
            return
        request = init_request(box, header=message.header)
        client.call_async(request).add_done_callback(
            lambda future: self._answered(future.result()))

    def key(self, key: str) -> bool:
        """Obey a key; False ends."""
        if key in ('q', '\x1b'):
            return False
        if key == 'r':
            self.services_used.reset.call_async(Trigger.Request())
        elif key == 'p':
            self._paused = not self._paused
            self.services_used.set_enabled.call_async(SetBool.Request(data=not self._paused))
        return True

    def click(self, point: Point) -> None:
        """A corner from a topic: the first begins the box, the second ends it."""
        if self.drawing.active:
            self.release(point.x, point.y)
        else:
            self.press(point.x, point.y)

    def _answered(self, answer: InitTarget.Response) -> None:
        self.answers.append(answer)
        self._paused = self._paused and not answer.success
        self._say(answer.message if answer.success
                  else f'refused ({answer.error_code}): {answer.message}')

    def _say(self, text: str) -> None:
        self.text = text
        self.get_logger().info(text)

    def _check(self) -> None:
        self._camera.check()
        if self._silent_until is not None and time.monotonic() > self._silent_until:
            self._silent_until = None
            self.get_logger().warning(f'no image has come: {self._camera.describe()}')

    def _take(self, message: Any) -> None:
        self.message, self._silent_until = message, None

    def _on_target(self, message: TrackedTarget) -> None:
        self._target = message

    def _decode(self, message: Any) -> np.ndarray | None:
        """H x W x 3 BGR; None without an image, or with a warning for one that cannot be read."""
        if message is None:
            return None
        decode = image_from_compressed if self._transport == 'compressed' else image_from_msg
        try:
            return decode(message)
        except InputError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=2.0)
            return None


class Window:
    """A window of OpenCV.

    Raises:
        InputError: OpenCV has no windows, or there is no display.
    """

    TITLE = 'select_target'

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        try:
            cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error as error:
            raise InputError(
                'OpenCV cannot open a window here; install the python3-opencv of your '
                f'distribution and a display, or use --clicks ({error.err})') from None
        cv2.setMouseCallback(self.TITLE, self._on_mouse)

    def step(self) -> bool:
        """Show the picture and obey keys; False when the user ends or closes the window."""
        picture = self._selector.picture()
        if picture is not None:
            cv2.imshow(self.TITLE, picture)
        pressed = cv2.waitKey(10) & 0xff
        if picture is not None and cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return False
        return pressed == 0xff or self._selector.key(chr(pressed))

    def _on_mouse(self, event: int, x: int, y: int, *_: Any) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            self._selector.press(x, y)
        elif event == cv2.EVENT_MOUSEMOVE:
            self._selector.drawing.move(x, y)
        elif event == cv2.EVENT_LBUTTONUP:
            self._selector.release(x, y)


class Clicks:
    """Corners from a topic of geometry_msgs/Point; ends after one accepted target."""

    def __init__(self, selector: Selector, topic: str) -> None:
        self._selector = selector
        selector.create_subscription(Point, topic, selector.click, 5)
        selector.get_logger().info(f'waiting for two corners on {topic}')

    def step(self) -> bool:
        """Whether to go on."""
        time.sleep(0.01)
        return not any(answer.success for answer in self._selector.answers)


def main(argv: list[str] | None = None,
         make_window: Callable[[Selector], Any] = Window) -> int:
    """Run the tool; returns the exit status."""
    return run_tool(lambda words: _run(words, make_window), argv)


def _run(argv: list[str], make_window: Callable[[Selector], Any]) -> int:
    parser = argparse.ArgumentParser(prog='select_target', description=__doc__)
    parser.add_argument('--image', default='image', help='image topic, default %(default)s')
    parser.add_argument('--transport', default='raw', choices=('raw', 'compressed'))
    parser.add_argument('--node', default='siamx_tracker', help='tracker node, default %(default)s')
    parser.add_argument('--clicks', metavar='TOPIC', help='take two corners from this topic')
    args = parser.parse_args(remove_ros_args(argv)[1:])
    remaps = ['--ros-args', '-r', f'image:={args.image}',
              '-r', f'image/compressed:={args.image}/compressed', '--']
    with interruptible([*argv, *remaps]):
        selector = Selector(args.node, args.transport)
        view = Clicks(selector, args.clicks) if args.clicks else make_window(selector)
        while view.step():
            rclpy.spin_once(selector, timeout_sec=0.0)
    return 0
