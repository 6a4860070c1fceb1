"""A video of an episode: the camera's view with the tracker's box, beside the world from above."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from siamx_ros.drawing import draw_note, draw_result
from siamx_ros.recording import VideoRecorder
from siamx_ros.simulation.episode import Moment, Report
from siamx_ros.simulation.floorplan import Point
from siamx_ros.simulation.frame import CameraConfig, CameraFrame
from siamx_ros.simulation.top_view import TopView
from siamx_ros.simulation.world import World

BAR = 56
"""Height of the strip with numbers below the pictures, pixels."""
FONT = cv2.FONT_HERSHEY_DUPLEX
GOOD, BAD, INK = (60, 150, 60), (50, 50, 210), (70, 70, 70)


class Film:
    """Writes one picture for each answered image; a listener of an episode."""

    def __init__(self, path: Path, world: World, config: CameraConfig, standoff: float) -> None:
        self._world, self._standoff = world, standoff
        self._top = TopView(world, config, config.height, config.height)
        self._video = VideoRecorder(
            path, config.rate, config.width + config.height, config.height + BAR)

    def __call__(self, moment: Moment, frame: CameraFrame) -> None:
        """Append one picture."""
        self._video.write(self.picture(moment, frame))

    def close(self) -> None:
        """Finish the file."""
        self._video.close()

    def picture(self, moment: Moment, frame: CameraFrame) -> np.ndarray:
        """One picture of the film, H x W x 3 BGR."""
        label = f'world {self._world.seed}   {moment.now_s:5.1f} s'
        report = moment.report
        view = draw_note(frame.image, label) if report is None \
            else draw_result(frame.image, report.result, label=label)
        if moment.shown == 'other' and report is not None and report.valid:
            cv2.putText(view, 'WRONG PERSON', (14, view.shape[0] - 16), FONT, 0.9, BAD, 2,
                        cv2.LINE_AA)
        top = self._top.draw(self._believed(report))
        return np.vstack([np.hstack([view, top]), self._strip(moment, view.shape[1]
                                                              + top.shape[1])])

    def _believed(self, report: Report | None) -> Point | None:
        """Where the tracker says that the target is."""
        if report is None or not report.valid or not math.isfinite(report.range_m):
            return None
        place = self._world.base.pose
        angle = place.heading + report.bearing
        return (place.x + report.range_m * math.cos(angle),
                place.y + report.range_m * math.sin(angle))

    def _strip(self, moment: Moment, width: int) -> np.ndarray:
        strip = np.full((BAR, width, 3), 245, np.uint8)
        near = abs(moment.gap - self._standoff) <= 0.5
        texts = ((14, 23, f'distance {moment.gap:4.2f} m', GOOD if near else BAD),
                 (224, 23, f'speed {moment.moving[0]:4.2f} m/s', INK),
                 (424, 23, f'turn {round(moment.moving[1], 2) + 0.0:+5.2f} rad/s', INK),
                 (14, 47, moment.doing, GOOD if moment.doing.startswith('following') else BAD))
        for left, baseline, text, colour in texts:
            cv2.putText(strip, text, (left, baseline), FONT, 0.55, colour, 1, cv2.LINE_AA)
        return strip
