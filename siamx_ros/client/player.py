"""Plays recorded images to a running tracker node and hears its answers, as plain values."""

from __future__ import annotations

from typing import Any, Callable, Container

import numpy as np
from rcl_interfaces.srv import GetParameters

from siamx_ros.client.probe import (
    START_PATIENCE, NoAnswer, Probe, init_request, nanoseconds)
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.from_msg import box_of, result_of
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.settings import parameters
from siamx_ros.srv import InitTarget

ANSWER_PATIENCE = 60.0
"""Seconds until an image must be answered; the first inference takes long."""
FIRST_PATIENCE = 5.0
"""Seconds after which the first image is sent again: the middleware may have lost it while the two
sides were finding each other."""
STATUS_PATIENCE = 2.0
USAGE = {'cpu_percent': np.mean, 'inference_p50_ms': np.mean, 'rss_mb': np.max,
         'gpu_allocated_mb': np.max, 'gpu_reserved_mb': np.max}
"""Value of the node's diagnostics -> the figure of all reports."""


class LivePlayer:
    """Camera and operator of a tracker node.

    Args:
        node: full name of the node, such as ``/siamx_tracker``.
        image_topic: the topic of its images.
        check: called while waiting; raises if the node is known to have ended.
        last_words: what the node's log ends with, for an error message; '' if not known.
    """

    def __init__(self, node: str, image_topic: str,
                 check: Callable[[], None] = lambda: None,
                 last_words: Callable[[], str] = str) -> None:
        self.node, self.image_topic = node, image_topic
        self._last_words = last_words
        self._reports_before = 0
        self._probe = Probe(node, image_topic, check=check)

    @property
    def probe(self) -> Probe:
        """The ROS node behind it, for what else a camera or a robot says and hears."""
        return self._probe

    def close(self) -> None:
        """Leave the ROS graph."""
        self._probe.close()

    def begin(self, image: np.ndarray, box: BoundingBox, stamp_ns: int,
              frame_id: str) -> TrackResult:
        """Show the first image and give the target on it; returns what the node says about it.

        Args:
            image: H x W x 3 uint8 BGR.
            box: pixels of the image.
            stamp_ns: header stamp of the image, nanoseconds.
            frame_id: of the header.

        Returns:
            What the node says about the first image.

        Raises:
            InputError: there is no such node, or two of its name, or it refuses the box.
            NoAnswer: it does not answer.
        """
        def show() -> None:
            self._show_first(image, stamp_ns, frame_id)
        show()
        answer = self._init(_request(image, box, stamp_ns, frame_id), show)
        if answer.caught_up_frames:  # the first image arrived twice: once is enough
            answer = self._init(_request(image, box, 0, frame_id), show)
        self._reports_before = len(self._probe.heard['diagnostics'])
        return TrackResult(
            box_of(answer.bbox), float(answer.confidence), TrackState.TRACKING, Reason.INIT,
            BoxSource.MEASURED, valid=True, raw_score=1.0)

    def send(self, image: np.ndarray, stamp_ns: int, frame_id: str) -> None:
        """Publish an image, H x W x 3 uint8 BGR, with its stamp."""
        self._probe.publish(np.ascontiguousarray(image), stamp_ns, frame_id=frame_id)

    def answer(self, stamp_ns: int, patience: float = ANSWER_PATIENCE) -> TrackResult | None:
        """What the node says about the image of a stamp; None if nothing in time."""
        message = self.message(stamp_ns, patience)
        return None if message is None else result_of(message)

    def message(self, stamp_ns: int, patience: float = ANSWER_PATIENCE) -> Any:
        """The TrackedTarget of the image of a stamp; None if none came in time."""
        return self._probe.answer(stamp_ns, patience=patience)

    def newest(self, stamps: Container[int]) -> TrackResult | None:
        """The last answer to an image of one of the stamps, in nanoseconds; None without any."""
        for message in reversed(list(self._probe.heard['target'])):
            if nanoseconds(message.header.stamp) in stamps:
                return result_of(message)
        return None

    def answers(self) -> dict[int, tuple[TrackResult, float]]:
        """All so far: stamp in nanoseconds -> result and monotonic moment of its arrival."""
        heard = list(self._probe.heard['target'])
        stamps = [nanoseconds(message.header.stamp) for message in heard]
        return {stamp: (result_of(message), self._probe.moments[stamp])
                for stamp, message in zip(stamps, heard)}

    def reasons(self, changes: dict[int, TrackState]) -> dict[int, Reason]:
        """Why states changed, which the node says in ``~/status``.

        Args:
            changes: stamp of the image, nanoseconds -> the state entered on it.
        """
        def found() -> dict[int, Reason]:
            return {nanoseconds(m.header.stamp): Reason(m.reason)
                    for m in list(self._probe.heard['status'])
                    if changes.get(nanoseconds(m.header.stamp)) == m.state}
        self._probe.wait(lambda: len(found()) == len(changes), STATUS_PATIENCE)
        return found()

    def usage(self) -> dict[str, float]:
        """What the node took since :meth:`begin`, by its diagnostics.

        Returns:
            ``cpu_percent`` (100 is one core) and ``inference_p50_ms`` in the mean of its reports,
            most of ``rss_mb``, ``gpu_allocated_mb`` and ``gpu_reserved_mb``; none that it did not
            say. The first report is left out: it covers what was before, too.
        """
        said = [{pair.key: pair.value for pair in status.values}
                for message in list(self._probe.heard['diagnostics'])[self._reports_before:]
                for status in message.status if status.name == f'{self.node}: tracking'][1:]
        figures = {}
        for name, whole in USAGE.items():
            values = [float(values[name]) for values in said if name in values]
            if values:
                figures[name] = float(whole(values))
        return figures

    def settings(self) -> dict[str, Any]:
        """The node's parameters, by name.

        Raises:
            NoAnswer: it does not say.
        """
        from rclpy.parameter import parameter_value_to_python
        names = [name for name, _, _ in parameters(NodeConfig())]
        values = self._probe.call(
            GetParameters, 'get_parameters', GetParameters.Request(names=names)).values
        return dict(zip(names, map(parameter_value_to_python, values)))

    def _show_first(self, image: np.ndarray, stamp_ns: int, frame_id: str) -> None:
        if not self._probe.ready():
            raise InputError(
                f'no tracker node {self.node} that takes images from {self.image_topic} was found '
                f'within {START_PATIENCE:g} s{self._last_words()}')
        if self._probe.node.count_publishers(f'{self.node}/target') > 1:  # both would answer
            raise InputError(f'another node already serves {self.node}; stop it, or set '
                             'ROS_DOMAIN_ID to a number of your own')
        for _ in range(int(ANSWER_PATIENCE / FIRST_PATIENCE)):
            self.send(image, stamp_ns, frame_id)
            if self.answer(stamp_ns, FIRST_PATIENCE) is not None:
                return
        raise NoAnswer(f'{self.node} did not answer the first image')

    def _init(self, request: InitTarget.Request, show: Callable[[], None]) -> InitTarget.Response:
        answer = self._probe.init(request, ANSWER_PATIENCE, show)
        if not answer.success:
            raise InputError(f'{self.node} refuses the first box ({answer.error_code}): '
                             f'{answer.message}')
        return answer


def _request(image: np.ndarray, box: BoundingBox, stamp_ns: int,
             frame_id: str) -> InitTarget.Request:
    request = init_request(
        box, stamp_ns, image_width=image.shape[1], image_height=image.shape[0])
    request.header.frame_id = frame_id
    return request
