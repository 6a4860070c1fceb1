"""Wait until the tracker node is active: `ros2 run siamx_ros await_active`.

Ends when the node takes images, so that a launch file can start then what feeds it: loading a
model takes seconds, and what is sent meanwhile is lost. Exit status 0 when the node is active, 1
when this was interrupted or the time was over, 2 for a name or an argument that cannot be used.
"""

from __future__ import annotations

import argparse
import time

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from siamx_ros.node.spin import interruptible, run_tool

PERIOD_S = 0.1
"""Time between two questions."""


def wait_until_active(node: Node, tracker: str, timeout: float) -> bool:
    """Ask a managed node for its state until it is active.

    Args:
        node: makes the client; spun here.
        tracker: name of the managed node, relative to the namespace.
        timeout: give up after this many seconds of wall-clock time.
    """
    client = node.create_client(GetState, f'{tracker}/get_state')
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if client.wait_for_service(PERIOD_S):
            future = client.call_async(GetState.Request())
            rclpy.spin_until_future_complete(node, future, timeout_sec=1.0)
            if future.done() and future.result().current_state.id == State.PRIMARY_STATE_ACTIVE:
                return True
            client.remove_pending_request(future)
            time.sleep(PERIOD_S)
    return False


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_tool(_run, argv)


def _run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog='await_active', description=__doc__.splitlines()[0])
    parser.add_argument(
        '--node', default='siamx_tracker', help='name of the tracker node (default: %(default)s)')
    parser.add_argument('--timeout', type=float, default=float('inf'),
                        help='seconds (default: wait for ever)')
    args = parser.parse_args(remove_ros_args(argv)[1:])
    with interruptible(argv):
        node = Node('await_active')
        if wait_until_active(node, args.node, args.timeout):
            return 0
        node.get_logger().error(f'{args.node} was not active within {args.timeout:g} s.')
    return 1
