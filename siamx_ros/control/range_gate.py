"""How far away and how large a target can be by now, by how it was."""

from __future__ import annotations

from collections import deque
import math
import statistics

from siamx_ros.control.prediction import ConstantVelocity

NOISE, RATE = 0.5, 1.0
"""How suddenly the range changes, m^2/s^3: target and camera both move; and how fast it may at the
start, m/s."""
LEAST_ERROR = 0.03
"""A smaller deviation of a range is not believed, m."""
LONGEST_DRIFT_S = 0.5
"""For how long the range is thought to change on as it did, seconds."""
NEARER, NEARER_RATE = 0.35, 0.35
FARTHER, FARTHER_RATE = 0.5, 1.0
"""How much nearer or farther than expected the target may be: metres, and metres per second since
it was seen. What hides a target is nearer, and a robot that does not see its target stands."""
LONGEST_S = 3.0
"""After this long without the target it may be anywhere, seconds."""
ANYWHERE = 0.0, math.inf
SAMPLES, LEAST_SAMPLES = 900, 5
WIDER, TALLER = 2.0, 1.3
"""How many times wider and taller than usual a box of the target may be: arms are spread; what is
larger holds others, too."""
USUAL = 1.3
"""A box that is as many times wider or taller may hold another, too, a smaller one only a part."""
SLACK, SLACK_S = 1.5, 1.0
"""So many times more height is allowed after so many seconds: who sat has risen."""
SMALLER, AFTER_S = 0.6, 0.5
"""What is found more than so many seconds after the target was seen must be seen whole: as tall as
this share of the usual height."""


class RangeGate:
    """Bounds of the range and the size of one target. Stamps in seconds, all else in metres."""

    def __init__(self) -> None:
        self._range = ConstantVelocity(NOISE, RATE)
        self._sizes: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._usual: tuple[float, float] | None = None

    def clear(self) -> None:
        """Forget the target."""
        self._range.clear()
        self._sizes.clear()
        self._usual = None

    def see(self, stamp: float, distance: float, deviation: float) -> None:
        """Take a range that is surely the target's."""
        deviation = max(deviation, LEAST_ERROR)
        if self.gap(stamp) > LONGEST_S:
            self._range.start(stamp, distance, deviation)
        else:
            self._range.correct(stamp, distance, deviation)

    def learn(self, width: float, height: float) -> None:
        """Take the size of a whole box that is surely the target's."""
        if 0 < width < math.inf and 0 < height < math.inf:
            self._sizes.append((width, height))
            self._usual = None

    def bounds(self, stamp: float) -> tuple[float, float]:
        """The least and the largest range that the target can have."""
        gap = self.gap(stamp)
        if gap > LONGEST_S:
            return ANYWHERE
        distance, _, rate = self._range.at(self._range.time)
        distance += rate * min(gap, LONGEST_DRIFT_S)
        return (max(0.0, distance - NEARER - NEARER_RATE * gap),
                distance + FARTHER + FARTHER_RATE * gap)

    def fits(self, stamp: float, width: float, height: float, *, cut: bool = False) -> bool:
        """Whether a box has a size that the target can have; NaN: nobody knows.

        Args:
            cut: whether the border of the image cuts it off, so that it may be small.
        """
        usual_width, usual_height = self.usual_size
        gap = self.gap(stamp)
        slack = 1 + (SLACK - 1) * min(1.0, gap / SLACK_S)
        if width > WIDER * usual_width or height > slack * TALLER * usual_height:
            return False
        return cut or gap < AFTER_S or not height < SMALLER * usual_height

    def usual(self, width: float, height: float) -> bool:
        """Whether a box is about as large as the target's mostly is, so that it holds no other."""
        if len(self._sizes) < LEAST_SAMPLES:
            return True
        usual_width, usual_height = self.usual_size
        return width <= USUAL * usual_width and (
            usual_height / USUAL <= height <= USUAL * usual_height)

    @property
    def usual_size(self) -> tuple[float, float]:
        """Width and height that the target mostly has; NaN while they are not known."""
        if len(self._sizes) < LEAST_SAMPLES:
            return math.nan, math.nan
        if self._usual is None:  # asked for by each candidate of an image
            self._usual = tuple(map(statistics.median, zip(*self._sizes)))
        return self._usual

    def gap(self, stamp: float) -> float:
        """Seconds since the target was seen; infinite where it was not, or the stamps went back."""
        if self._range.time is None or stamp < self._range.time:
            return math.inf
        return stamp - self._range.time
