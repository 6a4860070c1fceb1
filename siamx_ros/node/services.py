"""~/init, ~/reset, ~/set_enabled, ~/start, ~/stop, init_box: checked, numbered, never blocking."""

from __future__ import annotations

from concurrent.futures import CancelledError
import time
from typing import Any, Callable

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2D

from siamx_ros.errors import InputError
from siamx_ros.messages.frames import Frame, stamp_seconds
from siamx_ros.node.init_validation import Code, Refusal, box_on_image, check_numbers
from siamx_ros.node.message_builder import build
from siamx_ros.node.model_holder import describe_error
from siamx_ros.records import TrackState
from siamx_ros.srv import InitTarget

MAX_NAME = 256
INACTIVE = 'the node is not active'
CROWDED = 'too many requests are waiting'
CALLS = QoSProfile(depth=1000)
"""Calls that may arrive at once; the middleware's 10 would drop the others without an answer."""


class Services:
    """The node's services; ``node.pipeline`` is its active part, or None while inactive.

    They share a reentrant group: one that waits for the worker holds up nothing else.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        group = self.group = ReentrantCallbackGroup()
        for kind, name, answer in (
                (InitTarget, '~/init', self._init), (Trigger, '~/reset', self._reset),
                (SetBool, '~/set_enabled', self._set_enabled), (Trigger, '~/start', self._start),
                (Trigger, '~/stop', self._stop)):
            node.create_service(kind, name, answer, qos_profile=CALLS, callback_group=group)
        node.create_subscription(Detection2D, 'init_box', self._init_box, 1, callback_group=group)
        node.create_subscription(Header, '~/hold_image', self._hold_image, 5, callback_group=group)

    async def _init(self, request, response):
        return await self.answered(request, response, _start_target, 'init')

    async def answered(self, request, response, start: Callable[..., list], name: str):
        """The response to a request with a box: what ``start`` made of it, or why it is refused.

        Args:
            start: pipeline, frames and request -> outcomes, in the worker's thread.
            name: of the service, for the log.
        """
        try:
            await self.initialise(request, response, start)
        except Refusal as refusal:
            response.success, response.error_code = False, refusal.code
            response.message = str(refusal)
            log, text = self._node.get_logger(), f'{name} refused ({refusal.code}): {refusal}'
            if self._node.holder.is_loading:  # who waits for the node asks again and again
                log.info(text, throttle_duration_sec=0.1)
            else:
                log.warning(text, throttle_duration_sec=0.1)
        return response

    async def _init_box(self, detection: Detection2D) -> None:
        """The same by topic; a refusal is said in ~/status."""
        request = InitTarget.Request(
            bbox=detection.bbox, header=detection.header, target_id=detection.id)
        if detection.results:
            request.class_id = detection.results[0].hypothesis.class_id
        answer = await self._init(request, InitTarget.Response())
        if not answer.success:
            self._node.say(f'init refused ({answer.error_code}): {answer.message}')

    def _hold_image(self, header: Header) -> None:
        """A box is being drawn on the image of this stamp: it is kept until that is done."""
        if self._node.pipeline is not None:
            self._node.pipeline.buffer.hold(stamp_seconds(header.stamp))

    async def initialise(self, request, response, start: Callable[..., list]) -> None:
        """Check the request, have the worker start the target, fill the response.

        Raises:
            Refusal: with the error code for the caller.
        """
        pipeline = self._node.pipeline
        if pipeline is None:
            raise Refusal(Code.NOT_ACTIVE, _inactive(self._node))
        check_numbers(request)
        frames = frames_for(pipeline, request)
        job = pipeline.worker.ask(lambda: start(pipeline, frames, request))
        if job is None:
            raise Refusal(Code.TIMEOUT, CROWDED)
        patience = pipeline.config.init_timeout
        if not await pipeline.waiting.within(job, patience):
            later = '' if job.cancel() else \
                '; it is being worked on, ~/detections will tell whether it was taken'
            raise Refusal(Code.TIMEOUT, f'no answer within {patience:g} s{later}')
        _fill(job, frames, response)

    async def _reset(self, _request, response):
        return await self.asked(
            lambda pipeline: pipeline.drop(), response, 'all targets were dropped')

    async def _start(self, _request, response):
        return await self._switch(True, response)

    async def _stop(self, _request, response):
        return await self._switch(False, response)

    async def _set_enabled(self, request, response):
        return await self._switch(request.data, response)

    async def _switch(self, enabled: bool, response):
        return await self.asked(lambda pipeline: pipeline.set_enabled(enabled), response,
                                'tracking' if enabled else 'paused')

    async def asked(self, action, response, text: str):
        """Have the worker do something, and log a failure; ``text`` says that it was done."""
        response.success, response.message = await done(self._node, action, text)
        if not response.success:
            self._node.get_logger().warning(
                f'a call failed: {response.message}', throttle_duration_sec=1.0)
        return response


def _inactive(node) -> str:
    """Why there is no active part."""
    return f'{INACTIVE}: the model is being loaded' if node.holder.is_loading else INACTIVE


async def done(node, action, text: str) -> tuple[bool, str]:
    """Whether the worker did something, and what to say."""
    pipeline = node.pipeline
    if pipeline is None:
        return False, _inactive(node)
    job = pipeline.worker.ask(lambda: action(pipeline))
    if job is None:
        return False, CROWDED
    if not await pipeline.waiting.within(job, pipeline.config.init_timeout):
        job.cancel()
        return False, 'no answer in time'
    return _success(job, text)


def _success(job, text: str) -> tuple[bool, str]:
    try:
        job.result()
    except CancelledError:
        return False, INACTIVE
    except Exception as error:  # noqa: B902 - reported to the caller
        return False, describe_error(error)
    return True, text


def _start_target(pipeline, frames: list[Frame], request):
    """In the worker's thread, so that what is checked cannot change before it is used."""
    if request.keep_current and pipeline.session.has_target:
        raise Refusal(Code.ALREADY_TRACKING,
                      f'target {pipeline.session.target_id} is being tracked and '
                      'keep_current is set')
    return pipeline.start_target(
        frames, lambda image: box_on_image(request, image, pipeline.config),
        request.target_id[:MAX_NAME], request.class_id[:MAX_NAME])


def _fill(job, frames: list[Frame], response) -> None:
    """Put what the worker answered into the response, or refuse with what it raised."""
    try:
        outcomes = job.result()
    except Refusal:
        raise
    except CancelledError:
        raise Refusal(Code.NOT_ACTIVE, INACTIVE) from None
    except InputError as error:
        raise Refusal(Code.INFERENCE_FAILED, str(error)) from None
    except Exception as error:  # noqa: B902 - reported to the caller and logged
        raise Refusal(Code.INFERENCE_FAILED, f'{type(error).__name__}: {error}') from None
    first, last = outcomes[0], outcomes[-1]
    if last.result.state == TrackState.UNINITIALISED:
        name = f'target {first.target_id}' if first.target_id else 'the target'
        raise Refusal(Code.TARGET_DROPPED, f'{name} was dropped on a later image: '
                      f'{last.message or last.result.reason.name}')
    response.success, response.error_code = True, Code.NONE
    response.target_id = first.target_id
    response.message = f'target {first.target_id} accepted'
    response.stamp = frames[0].msg.header.stamp
    response.bbox = build.bounding_box(first.result.box)
    response.confidence = float(last.result.confidence)
    response.caught_up_frames = len(outcomes) - 1


def frames_for(pipeline, request) -> list[Frame]:
    """The frame that the box was drawn on and those since, or the newest one.

    Raises:
        Refusal: there is none that can be used.
    """
    newest = pipeline.buffer.newest()
    if newest is None:
        why = pipeline.problem or f'no image has arrived yet: {pipeline.camera.describe()}'
        raise Refusal(Code.NO_IMAGE, why)
    age = time.monotonic() - newest.received
    if age > pipeline.config.image_timeout:
        raise Refusal(Code.IMAGE_STALE,
                      pipeline.problem or f'the newest image came {age:.2f} s ago')
    unchanged = pipeline.input.frozen_for
    if unchanged:
        raise Refusal(Code.IMAGE_STALE, f'the images have not changed for {unchanged:.1f} s')
    frame_id = newest.msg.header.frame_id
    if request.header.frame_id and request.header.frame_id != frame_id:
        raise Refusal(Code.FRAME_MISMATCH,
                      f'the box is in frame {request.header.frame_id!r}, the images are in '
                      f'{frame_id!r}')
    stamp = stamp_seconds(request.header.stamp)
    if stamp == 0:
        return [newest]
    frames = pipeline.buffer.since(stamp)
    if not frames:
        away = newest.stamp - stamp
        raise Refusal(Code.STAMP_NOT_BUFFERED,
                      f'no image of stamp {stamp:.6f} is kept; it is {abs(away):.3f} s '
                      f'{"before" if away >= 0 else "after"} the newest')
    return frames
