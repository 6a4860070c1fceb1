"""Give the tracker node its target once: `ros2 run siamx_ros init_box 320,240,80,160`.

The box is drawn on whatever image the node has next, so that a launch file can start this together
with the node and the camera. Exit status 0 when the target was accepted, 1 when it was refused or
nobody answered in time or this was interrupted, 2 for a box, a name or an argument that cannot be
used.
"""

from __future__ import annotations

import argparse
import time

import rclpy
from rclpy.client import Client
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from siamx_ros.client.probe import LATCHED, TRY_AGAIN, init_request
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.node.spin import interruptible, run_tool
from siamx_ros.srv import InitTarget

HINT_S = 3.0
"""After which time without the service the trackers that run are named."""
RETRY_S = 5.0
"""After which time to ask again where no image is seen to arrive."""
KNOWN_S = 3.0
"""How long at most to wait for the tracker's state: an answer is lost where a service does not know
yet who asks, and by then it does."""
POLL_PERIOD_S = 0.1
"""A signal is obeyed between two waits of this length."""


def parse_box(text: str) -> BoundingBox:
    """Read "cx,cy,w,h": middle and size in pixels.

    Raises:
        InputError: not four finite numbers, or no extent.
    """
    try:
        return BoundingBox.from_centre(*map(float, text.split(',')))
    except (TypeError, ValueError):
        raise InputError('a box is "cx,cy,w,h", four numbers in pixels with w and h above 0, got '
                         f'{text!r}.') from None


def give_target(node: Node, request: InitTarget.Request, *, tracker: str,
                timeout: float) -> InitTarget.Response | None:
    """Call the init service until the answer is final; returns it, or None if there was none.

    While the tracker has no image it is asked again when it answers one, which it does in every
    state, or after :data:`RETRY_S`.

    Args:
        node: makes the client; spun here.
        request: what to ask.
        tracker: name of the node, relative to the namespace.
        timeout: give up after this many seconds of wall-clock time.

    Returns:
        The last answer, or None if there was none.
    """
    client = node.create_client(InitTarget, f'{tracker}/init')
    images, states = [], []
    node.create_subscription(TrackerStatus, f'{tracker}/status', states.append, LATCHED)
    node.create_subscription(TrackedTarget, f'{tracker}/target', images.append, 1)
    deadline = time.monotonic() + timeout
    if not _found(node, client, tracker, timeout):
        return None
    _spin(node, min(deadline, time.monotonic() + KNOWN_S), states)
    answer = None
    while time.monotonic() < deadline and (answer is None or answer.error_code in TRY_AGAIN):
        future = client.call_async(request)
        while time.monotonic() < deadline and not future.done():
            rclpy.spin_until_future_complete(node, future, timeout_sec=POLL_PERIOD_S)
        if not future.done():
            break
        if answer is None and future.result().error_code in TRY_AGAIN:
            node.get_logger().info(f'Waiting: {future.result().message}')
        answer = future.result()
        images.clear()
        if answer.error_code in TRY_AGAIN:
            _spin(node, min(deadline, time.monotonic() + RETRY_S), images)
    return answer


def _spin(node: Node, until: float, arrived: list) -> None:
    """Spin until something has arrived, or a time of the monotonic clock."""
    while not arrived and time.monotonic() < until:
        rclpy.spin_once(node, timeout_sec=POLL_PERIOD_S)


def _found(node: Node, client: Client, tracker: str, timeout: float) -> bool:
    """Wait for the tracker's service, and say so if that takes long."""
    if client.wait_for_service(min(timeout, HINT_S)):
        return True
    own = node.resolve_service_name(f'{tracker}/init')
    others = [name.removesuffix('/init') for name, types in node.get_service_names_and_types()
              if 'siamx_ros/srv/InitTarget' in types and name != own]
    node.get_logger().info(f'Waiting for {tracker}; trackers that run: '
                           f'{", ".join(others) or "none"} (--node names one)')
    return client.wait_for_service(max(0.0, timeout - HINT_S))


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_tool(_run, argv)


def _run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog='init_box', description=__doc__.splitlines()[0])
    parser.add_argument('box', help='middle and size in pixels: cx,cy,w,h')
    parser.add_argument(
        '--node', default='siamx_tracker', help='name of the tracker node (default: %(default)s)')
    parser.add_argument('--timeout', type=float, default=60.0, help='seconds (default: 60)')
    args = parser.parse_args(remove_ros_args(argv)[1:])
    request = init_request(parse_box(args.box))
    with interruptible(argv):
        node = Node('init_box')
        answer = give_target(node, request, tracker=args.node, timeout=args.timeout)
        return report(node, args.node, answer)
    return 1


def report(node: Node, tracker: str, answer: InitTarget.Response | None) -> int:
    """Say what came of it; returns the exit status."""
    log = node.get_logger()
    if answer is None:
        log.error(f'{tracker} did not answer; is it running, in this namespace and ROS domain?')
        return 1
    if not answer.success:
        log.error(f'The target was refused ({answer.error_code}): {answer.message}')
        return 1
    log.info(f'Target {answer.target_id} accepted, confidence {answer.confidence:.2f}.')
    return 0
