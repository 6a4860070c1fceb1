"""Which target of one image has which place: what one of them covers is none of the others'."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
import math
from typing import Sequence

from siamx_ros.geometry import BoundingBox
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking.choice import judge
from siamx_ros.tracking.course import ALONE, Course
from siamx_ros.tracking.decode import SAME_BOX, cells_on
from siamx_ros.tracking.search import SearchResult, WindowAnswer
from siamx_ros.tracking.tracker import Tracker

ROUNDS = 4
"""Conflicts, relative to the number of targets, that are settled in one image at most."""
COURSE_WEIGHT = 1.0
"""What is taken from a penalised score, 0 to 1, a target's size or more away from its course."""


@dataclass
class Contestant:
    """One of several targets, from one image to the next.

    Attributes:
        course: how it moved while it was alone.
    """

    tracker: Tracker
    course: Course = field(default_factory=lambda: Course(ALONE))


class Claims:
    """What each target's first window shows, until no two targets have the same box.

    Targets that look alike are each other's distractors. A box goes to the one to which it and the
    other's next best make the higher sum, one that is confirmed before one that is not; how each
    moved while it was alone counts, too.

    Args:
        contestants: the targets.
        image: H x W x 3 uint8 BGR, or blocks of it.
        answers: on the first window of each.
        stamp: time of the image, seconds.

    Attributes:
        found: what each target's window shows beside the boxes of the others.
    """

    def __init__(self, contestants: Sequence[Contestant], image: AnyImage,
                 answers: Sequence[WindowAnswer], stamp: float) -> None:
        self._contestants, self._answers, self._stamp = contestants, answers, stamp
        self._image = image
        self._denied: list[list[BoundingBox]] = [[] for _ in contestants]
        self._alone = judge(contestants[0].tracker.engine, image, [
            each.tracker.question(answer) for each, answer in zip(contestants, answers)])
        self.found = list(self._alone)
        self._settle()
        for index in range(len(contestants)):
            self._look_beside(index)
        self._remember()

    def taken(self, index: int) -> list[BoundingBox]:
        """Boxes of all targets but one, where these are seen, image pixels."""
        return [self._box(other) for other in range(len(self.found))
                if other != index and self._holds(other)]

    def _settle(self) -> None:
        """Give each box that two targets have to one of them."""
        pairs = list(combinations(range(len(self.found)), 2))
        for _ in range(ROUNDS * len(self.found)):
            pair = next((pair for pair in pairs if self._in_conflict(*pair)), None)
            if pair is None:
                return
            winner, loser = self._decided(*pair)
            self._denied[loser].append(self._box(winner))
            self.found[loser] = self._beside(loser)

    def _look_beside(self, index: int) -> None:
        """Judge once more: what others have taken is no second peak, which would raise doubt."""
        window = self._answers[index].window.box
        near = [box for box in self.taken(index) if box.iou(window) > 0]
        if near:
            self.found[index] = self._beside(index, near)

    def _remember(self) -> None:
        """Note where those are that are alone."""
        boxes = [found.candidate.box for found in self.found]
        for index, each in enumerate(self._contestants):
            touched = any(boxes[index].iou(box) > 0
                          for other, box in enumerate(boxes) if other != index)
            if self._holds(index) and not touched:
                each.course.note(self._stamp, boxes[index])

    def _in_conflict(self, first: int, second: int) -> bool:
        return ((self._holds(first) or self._holds(second))
                and min(self.found[index].candidate.merit for index in (first, second)) >= 0
                and self._box(first).iou(self._box(second)) >= SAME_BOX)

    def _decided(self, first: int, second: int) -> tuple[int, int]:
        """(winner, loser) of a conflict."""
        ranks = [(self._holds(index), self._contestants[index].tracker.states.confirmed)
                 for index in (first, second)]
        if ranks[0] != ranks[1]:
            return (first, second) if ranks[0] > ranks[1] else (second, first)
        stays = self._sum(first, second, self.found[first],
                          self._beside(second, [self._box(first)]))
        goes = self._sum(first, second, self._beside(first, [self._box(second)]),
                         self.found[second])
        return (first, second) if stays >= goes else (second, first)

    def _sum(self, first: int, second: int, one: SearchResult, other: SearchResult) -> float:
        """How well two results go together with two targets."""
        return self._worth(first, one) + self._worth(second, other)

    def _worth(self, index: int, found: SearchResult) -> float:
        """Penalised score of a result, less where it is off the course of the target."""
        place, box = self._contestants[index].course.expected(self._stamp), found.candidate.box
        if found.candidate.merit < 0:
            return 0.0
        if place is None:
            return found.candidate.merit
        off = math.dist(place, box.centre) / math.sqrt(box.area)
        return found.candidate.merit - COURSE_WEIGHT * min(off, 1.0)

    def _beside(self, index: int, boxes: Sequence[BoundingBox] = ()) -> SearchResult:
        """What a target's window shows beside ``boxes`` and those that it was denied."""
        tracker, answer = self._contestants[index].tracker, self._answers[index]
        boxes = [*self._denied[index], *boxes]
        excluded = cells_on(boxes, answer.maps.distances, answer.window)
        return (self._alone[index] if excluded is None
                else judge(tracker.engine, self._image, [tracker.question(answer, excluded)])[0])

    def _box(self, index: int) -> BoundingBox:
        return self.found[index].candidate.box

    def _holds(self, index: int) -> bool:
        """Whether a target is seen where it was found."""
        return (self.found[index].confidence
                >= self._contestants[index].tracker.config.lost_threshold)
