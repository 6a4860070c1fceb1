"""~/init, ~/reset, ~/set_enabled, ~/start, ~/stop: checked, numbered, never blocking."""

from __future__ import annotations

import math
import time
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from std_srvs.srv import SetBool, Trigger

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.ros.filling import bounding_box
from siamx_ros.ros.frames import Frame, stamp_seconds
from siamx_ros.srv import InitTarget

Code = InitTarget.Response
MAX_THETA = 1e-3
MAX_NAME = 256


class Refusal(InputError):
    """A request that is answered with an error code of InitTarget."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Services:
    """The node's services; ``node.core`` is its active part, or None while inactive.

    They share a reentrant group: one that waits for the worker holds up nothing else.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        group = ReentrantCallbackGroup()
        for kind, name, answer in (
                (InitTarget, '~/init', self._init), (Trigger, '~/reset', self._reset),
                (SetBool, '~/set_enabled', self._set_enabled), (Trigger, '~/start', self._start),
                (Trigger, '~/stop', self._stop)):
            node.create_service(kind, name, answer, callback_group=group)

    async def _init(self, request, response):
        try:
            await self.initialise(request, response)
        except Refusal as refusal:
            response.success, response.error_code = False, refusal.code
            response.message = str(refusal)
            self._node.get_logger().warning(f'init refused ({refusal.code}): {refusal}')
        return response

    async def initialise(self, request, response) -> None:
        """Check the request, have the worker start the target, fill the response.

        Raises:
            Refusal: with the error code for the caller.
        """
        core = self._node.core
        if core is None:
            raise Refusal(Code.NOT_ACTIVE, 'the node is not active')
        frames = self._frames(core, request)
        box = checked_box(request, frames[0], core.config.min_box_size)
        if request.keep_current and core.session.has_target:
            raise Refusal(Code.ALREADY_TRACKING,
                          f'target {core.session.target_id} is being tracked and keep_current is set')
        job = core.worker.ask(lambda: core.start_target(
            frames, box, request.target_id[:MAX_NAME], request.class_id[:MAX_NAME]))
        if job is None:
            raise Refusal(Code.TIMEOUT, 'too many requests are waiting')
        if not await job.within(core.config.init_timeout):
            raise Refusal(Code.TIMEOUT, f'no answer within {core.config.init_timeout:g} s')
        self._fill(job, frames, response)

    def _fill(self, job, frames: list[Frame], response) -> None:
        try:
            outcomes, used = job.result()
        except InputError as error:
            raise Refusal(Code.BBOX_OUT_OF_IMAGE if 'half inside' in str(error)
                          else Code.INFERENCE_FAILED, str(error)) from None
        except Exception as error:  # noqa: B902 - reported to the caller and logged
            raise Refusal(Code.INFERENCE_FAILED, f'{type(error).__name__}: {error}') from None
        last = outcomes[-1]
        response.success, response.error_code = True, Code.NONE
        response.target_id = last.target_id
        response.message = f'target {last.target_id} accepted'
        response.stamp = frames[0].msg.header.stamp
        response.bbox = bounding_box(used)
        response.confidence = float(last.result.confidence)
        response.caught_up_frames = len(outcomes) - 1

    def _frames(self, core, request) -> list[Frame]:
        """The frame that the box was drawn on and those since, or the newest one."""
        newest = core.buffer.newest()
        if newest is None:
            raise Refusal(Code.NO_IMAGE, f'no image has arrived yet: {core.camera.describe()}')
        age = time.monotonic() - newest.received
        if age > core.config.image_timeout:
            raise Refusal(Code.IMAGE_STALE, f'the newest image came {age:.2f} s ago')
        frame_id = newest.msg.header.frame_id
        if request.header.frame_id and request.header.frame_id != frame_id:
            raise Refusal(Code.FRAME_MISMATCH,
                          f'the box is in frame {request.header.frame_id!r}, the images are in '
                          f'{frame_id!r}')
        stamp = stamp_seconds(request.header.stamp)
        if stamp == 0:
            return [newest]
        frames = core.buffer.since(stamp)
        if not frames:
            raise Refusal(Code.STAMP_NOT_BUFFERED,
                          f'no image of stamp {stamp:.6f} is kept; the newest is '
                          f'{newest.stamp - stamp:+.3f} s away')
        return frames

    async def _reset(self, _request, response):
        core = self._node.core
        if core is None:
            response.success, response.message = False, 'the node is not active'
            return response
        job = core.worker.ask(core.reset)
        return await self._answered(job, response, 'the target was dropped')

    async def _start(self, _request, response):
        return await self._switch(True, response)

    async def _stop(self, _request, response):
        return await self._switch(False, response)

    async def _set_enabled(self, request, response):
        return await self._switch(request.data, response)

    async def _switch(self, enabled: bool, response):
        core = self._node.core
        if core is None:
            response.success, response.message = False, 'the node is not active'
            return response
        job = core.worker.ask(lambda: core.set_enabled(enabled))
        return await self._answered(job, response, 'tracking' if enabled else 'paused')

    async def _answered(self, job, response, text: str):
        if job is None:
            response.success, response.message = False, 'too many requests are waiting'
            return response
        response.success = await job.within(self._node.settings.init_timeout)
        response.message = text if response.success else 'no answer in time'
        return response


def checked_box(request, frame: Frame, min_size: float) -> BoundingBox:
    """The box of a request in pixels of the camera's image.

    Raises:
        Refusal: rotated, not finite, too small.
    """
    box = request.bbox
    if not abs(box.center.theta) <= MAX_THETA:
        raise Refusal(Code.BBOX_ROTATED, f'rotated boxes are not supported (theta '
                      f'{box.center.theta:g})')
    numbers = [box.center.position.x, box.center.position.y, box.size_x, box.size_y]
    if not all(map(math.isfinite, numbers)) or min(numbers[2:]) <= 0:
        raise Refusal(Code.BBOX_INVALID,
                      f'the box needs finite numbers and a positive size, got {numbers}')
    width, height = getattr(frame.msg, 'width', 0), getattr(frame.msg, 'height', 0)
    if request.image_width and request.image_height and width and height:
        fx, fy = width / request.image_width, height / request.image_height
        numbers = [numbers[0] * fx, numbers[1] * fy, numbers[2] * fx, numbers[3] * fy]
    if min(numbers[2:]) < min_size:
        raise Refusal(Code.BBOX_TOO_SMALL,
                      f'the box is {numbers[2]:g}x{numbers[3]:g} px, at least {min_size:g} px are '
                      'needed')
    return BoundingBox.from_centre(*numbers)
