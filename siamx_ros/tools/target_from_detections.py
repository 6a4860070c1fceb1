"""Give the tracker what a detector found: `ros2 run siamx_ros target_from_detections`.

Takes the detection of the wanted class that is nearest to the middle of the image, when it is asked
to by ~/request, or, with `automatic`, whenever the tracker has no target: at the start, and again
after tracker or detector were started anew. The box goes out with the stamp of the image on which
it was found, so that a slow detector does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
import math
import time
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D, Detection2DArray

from siamx_ros.errors import InputError
from siamx_ros.messages.from_msg import box_of
from siamx_ros.msg import TrackedTarget
from siamx_ros.node.parameters import NodeParameters
from siamx_ros.node.spin import run
from siamx_ros.records import TrackState
from siamx_ros.settings import Settings, setting
from siamx_ros.srv import InitTarget

BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Takes from every publisher; the next detections are as good."""
PATIENCE_S = 5.0
"""How long an answer of the tracker may take; it gives up by itself before."""


@dataclass(frozen=True)
class DetectionConfig(Settings):
    """Parameters of the node."""

    class_id: str = setting(
        'person', 'class of the detections to take, as the detector names it; empty for any',
        live=True)
    min_score: float = setting(
        0.5, 'smallest score of a detection to take', low=0.0, high=1.0, live=True)
    automatic: bool = setting(
        False, 'give a target whenever the tracker has none, without a request', live=True)


def best_class(detection: Detection2D, class_id: str) -> tuple[float, str]:
    """Best score of a class, or of any where ``class_id`` is empty, and the name of that class.

    Without that class the score is below all; where any will do and there is none, it is 0.
    """
    hypotheses = [result.hypothesis for result in detection.results]
    found = [(each.score, each.class_id) for each in hypotheses
             if class_id in ('', each.class_id) and math.isfinite(each.score)]
    return max(found, default=(-math.inf if class_id else 0.0, class_id))


def nearest_to_middle(detections: list[Detection2D], config: DetectionConfig, width: float,
                      height: float) -> Detection2D | None:
    """The detection to take; None if there is none of that class and score.

    Args:
        detections: of one image.
        config: which count.
        width, height: of the image, pixels.
    """
    counted = [each for each in detections
               if is_box(each.bbox) and best_class(each, config.class_id)[0] >= config.min_score]

    def distance(detection: Detection2D) -> float:
        centre = detection.bbox.center.position
        return math.hypot(centre.x - width / 2, centre.y - height / 2)
    return min(counted, key=distance, default=None)


def is_box(message: Any) -> bool:
    """Whether a BoundingBox2D is one."""
    try:
        box_of(message)
    except InputError:
        return False
    return True


class TargetFromDetections(Node):
    """Hears ``detections`` and the tracker, calls ``siamx_tracker/init``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('target_from_detections', **kwargs)
        parameters = NodeParameters(self, DetectionConfig(), self._apply, frozen=lambda: True)
        self._config: DetectionConfig = parameters.settings
        self._requested = False
        self._asked: Any = None
        self._asked_at = 0.0
        self._seen: TrackedTarget | None = None
        self._init = self.create_client(InitTarget, 'siamx_tracker/init')
        self.create_subscription(TrackedTarget, 'siamx_tracker/target', self._hear, 1)
        self._detections = self.create_subscription(
            Detection2DArray, 'detections', self._detected, BEST_EFFORT)
        self.create_service(Trigger, '~/request', self._request)

    def close(self) -> bool:
        """Nothing is to be ended."""
        return True

    def _apply(self, settings: DetectionConfig) -> None:
        self._config = settings

    def _hear(self, message: TrackedTarget) -> None:
        self._seen = message

    def _request(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._requested = True
        response.success = True
        response.message = f'the next {self._config.class_id or "detection"} is taken'
        missing = self._missing()
        if missing:
            response.message += f', once there is {missing}'
            self.get_logger().warning(response.message)
        return response

    def _missing(self) -> str:
        """What is not there and without which nothing can be taken; empty where all is."""
        missing = []
        if not self.count_publishers(self._detections.topic_name):
            missing.append(f'a detector on {self._detections.topic_name}')
        if not self._init.service_is_ready() or self._seen is None:
            missing.append(f'a tracker that has images ({self._init.srv_name})')
        return ' and '.join(missing)

    def _detected(self, message: Detection2DArray) -> None:
        """Take a target from the detections of one image, if one is wanted."""
        seen = self._seen
        if seen is None or self._waits() or not self._init.service_is_ready():
            return
        free = seen.state == TrackState.UNINITIALISED
        if not self._requested and not (self._config.automatic and free):
            return
        chosen = nearest_to_middle(
            message.detections, self._config, seen.image_width, seen.image_height)
        if chosen is None:
            return
        _, class_id = best_class(chosen, self._config.class_id)
        request = InitTarget.Request(
            bbox=chosen.bbox, class_id=class_id, keep_current=not self._requested)
        request.header = message.header
        self._asked, self._asked_at = self._init.call_async(request), time.monotonic()
        self._asked.add_done_callback(partial(self._answered, on_request=self._requested))

    def _waits(self) -> bool:
        """Whether an answer is still to come; one of a tracker that died meanwhile never does."""
        if self._asked is not None and time.monotonic() - self._asked_at > PATIENCE_S:
            self._init.remove_pending_request(self._asked)
            self._asked = None
        return self._asked is not None

    def _answered(self, future: Any, *, on_request: bool) -> None:
        """Note an answer; a request that came after the question still stands."""
        self._asked = None
        answer = future.result()
        if answer.success:
            self._requested = self._requested and not on_request
            self._seen = None  # what was heard before does not know of the target
            self.get_logger().info(f'{answer.target_id!r} is the target')
        else:
            self.get_logger().warning(
                f'refused ({answer.error_code}): {answer.message}', throttle_duration_sec=5.0)


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal ends it; returns the exit status."""
    return run(TargetFromDetections, args)


if __name__ == '__main__':
    raise SystemExit(main())
