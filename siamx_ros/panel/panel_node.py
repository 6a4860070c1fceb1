"""The panel as a ROS node: `ros2 run siamx_ros panel`, then open the address that it prints."""

from __future__ import annotations

import asyncio
import platform
import time
from typing import Any

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger

from siamx_ros.client.probe import init_request
from siamx_ros.client.tracker_services import TrackerServices
from siamx_ros.errors import InputError
from siamx_ros.msg import FollowerStatus, TrackedTarget, TrackerStatus
from siamx_ros.node.camera_input import AdaptiveSubscription, subscribe_images
from siamx_ros.node.parameters import NodeParameters
from siamx_ros.node.spin import run
from siamx_ros.panel.access import is_loopback, read_token
from siamx_ros.panel.image_feed import ImageFeed
from siamx_ros.panel.operator_commands import Command, Reply, ShownImage
from siamx_ros.panel.panel_config import PanelConfig
from siamx_ros.panel.state_feed import StateFeed
from siamx_ros.panel.web_server import WebServer
from siamx_ros.qos import latched

POLL_PERIOD_S, SERVICE_POLL_S = 0.2, 0.05
INIT_PATIENCE_S = 12.0
"""Longer than any init_timeout that makes sense for an operator who waits."""
ANSWER_PATIENCE_S = 3.0
STOP_PATIENCE_S = 0.5
"""A follower that has not answered a stop after so long is stopped through the tracker."""
END_PATIENCE_S = 4.0


class PanelNode(Node):
    """Hears camera, tracker and follower, and does what the page asks for.

    Attributes:
        images, state, config: see :class:`siamx_ros.panel.panel_app.Robot`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('panel', **kwargs)
        parameters = NodeParameters(self, PanelConfig(), self._apply, frozen=lambda: True)
        self.config: PanelConfig = parameters.settings
        self.images = ImageFeed()
        self.state = StateFeed(time.monotonic, self._ros_time)
        self._camera: AdaptiveSubscription | None = None
        token = read_token(self.config.host, self.config.token_file)
        self._listen_to_nodes()
        self._server = WebServer(self, token)
        self._server.start()
        self.create_timer(
            POLL_PERIOD_S, self._follow_viewers, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.address = _address(self.config.host, self._server.port, token)
        print(f'The panel is at {self.address}', flush=True)

    async def execute(self, command: Command) -> Reply:
        """Do what the operator asks for; in the thread of the web server."""
        enabling = self._tracker.set_enabled
        work = {'hold': lambda: self._keep(command), 'target': lambda: self._give(command),
                'follow': lambda: _switch(self._drive, True), 'stop': self._stop,
                'pause': lambda: _switch(enabling, False),
                'resume': lambda: _switch(enabling, True),
                'reset': lambda: _asked(self._tracker.reset, Trigger.Request())}[command.action]
        try:
            return await work()
        except InputError as error:
            return Reply(False, str(error))

    def close(self) -> bool:
        """End the server; its last requests are still answered."""
        ended = self._server.close()
        deadline = time.monotonic() + END_PATIENCE_S
        while not ended.done() and time.monotonic() < deadline:
            rclpy.spin_once(self, timeout_sec=0.05)
        return True

    def _listen_to_nodes(self) -> None:
        tracker, follower = self.config.tracker, self.config.follower
        self.create_subscription(TrackedTarget, f'{tracker}/target', self._on_target, 1)
        self.create_subscription(TrackerStatus, f'{tracker}/status', self._on_status, latched())
        self.create_subscription(
            FollowerStatus, f'{follower}/status', self._on_follower, latched())
        self._tracker = TrackerServices(self, tracker)
        self._drive = self.create_client(SetBool, f'{follower}/enable')
        self._stand = self.create_client(Trigger, f'{follower}/stop')

    def _apply(self, settings: PanelConfig) -> None:
        self.config = settings

    def _ros_time(self) -> float:
        return self.get_clock().now().nanoseconds * 1e-9

    def _follow_viewers(self) -> None:
        """Take images only while somebody looks."""
        wanted = self._server.viewers() > 0
        if wanted and self._camera is None:
            self._camera = subscribe_images(self, self.config, self._on_image)
        elif not wanted and self._camera is not None:
            self._camera.close()
            self._camera = None
            self.images.clear()
        if self._camera is not None:
            self._camera.check()

    def _on_image(self, message: Any) -> None:
        if self.images.add(message, time.monotonic()):
            self._server.wake()

    def _on_target(self, message: TrackedTarget) -> None:
        self.state.on_target(message)
        self.images.answer(message, time.monotonic())
        self._server.wake()

    def _on_status(self, message: TrackerStatus) -> None:
        self.state.on_status(message)
        self._server.wake()

    def _on_follower(self, message: FollowerStatus) -> None:
        self.state.on_follower(message)
        self._server.wake()

    async def _keep(self, command: Command) -> Reply:
        """A box is begun: the tracker keeps the image, however long the drawing takes."""
        self._tracker.hold_image(_header(command.image))
        return Reply(True, '')

    async def _give(self, command: Command) -> Reply:
        width, height = command.image.size
        request = init_request(command.box, header=_header(command.image), image_width=width,
                               image_height=height)
        return await _asked(self._tracker.init, request, INIT_PATIENCE_S)

    async def _stop(self) -> Reply:
        """Stop the follower; if it does not say that it stopped, take its target away, too."""
        try:
            reply = await _asked(self._stand, Trigger.Request(), STOP_PATIENCE_S, discovery_s=0.0)
            if reply.ok:
                return reply
            reason = reply.message
        except InputError as error:
            reason = str(error)
        self.get_logger().error(f'stop: {reason} Pausing the tracker.')
        paused = await _switch(self._tracker.set_enabled, False)
        return Reply(False, f'{reason} The tracker was paused instead.' if paused.ok else
                     f'{reason} Nor could the tracker be paused: {paused.message}')


async def call_service(client: Any, request: Any, patience_s: float, *,
                       discovery_s: float = 1.0) -> Any:
    """Call a service through a client whose node is spun in another thread; returns its answer.

    Args:
        patience_s: how long the answer may take.
        discovery_s: how long to wait for a service that is not offered, or not known yet.

    Raises:
        InputError: it is not offered, or did not answer in time.
    """
    loop = asyncio.get_running_loop()
    given_up_s = loop.time() + discovery_s
    while not client.service_is_ready() and loop.time() < given_up_s:
        await asyncio.sleep(SERVICE_POLL_S)
    if not client.service_is_ready():
        raise InputError(f'{client.srv_name} is not offered: does its node run?')
    answered = loop.create_future()
    future = client.call_async(request)
    future.add_done_callback(lambda done: loop.call_soon_threadsafe(_settle, answered, done))
    try:
        return await asyncio.wait_for(answered, patience_s)
    except asyncio.TimeoutError:
        client.remove_pending_request(future)
        raise InputError(f'{client.srv_name} did not answer within {patience_s:g} s.') from None


def _settle(answered: asyncio.Future, done: Any) -> None:
    if answered.done():
        return
    if done.exception() is not None:
        answered.set_exception(done.exception())
    else:
        answered.set_result(done.result())


async def _asked(client: Any, request: Any, patience_s: float = ANSWER_PATIENCE_S,
                 **more: float) -> Reply:
    answer = await call_service(client, request, patience_s, **more)
    return Reply(answer.success, answer.message)


async def _switch(client: Any, on: bool) -> Reply:
    return await _asked(client, SetBool.Request(data=on))


def _header(image: ShownImage) -> Header:
    header = Header(frame_id=image.frame_id)
    header.stamp.sec, header.stamp.nanosec = image.stamp
    return header


def _address(host: str, port: int, token: str) -> str:
    """What to open in a browser."""
    name = host
    if host in ('0.0.0.0', '::', ''):
        name = platform.node()
    elif ':' in host:
        name = f'[{host}]'
    elif is_loopback(host) and not token:
        name = 'localhost'
    return f'http://{name}:{port}/' + (f'?token={token}' if token else '')


def main(args: list[str] | None = None) -> int:
    """Run the panel until a signal ends it; returns the exit status."""
    return run(PanelNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
