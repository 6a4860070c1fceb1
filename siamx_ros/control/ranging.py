"""Which distance a follower acts on: the measured one, or one by the height of the box."""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import FARTHEST, FollowReason, Observation, Verdict

HEIGHT_ERROR = 0.15
"""Deviation of the height of one target's box, as a share: arms are raised, feet cut off."""
LEARNT = 5
"""Images of which the first height is the median."""
KNOWN = Verdict(FollowReason.NONE, '')


class Range(NamedTuple):
    """Distance and deviation in metres, NaN where there is none to act on, and why.

    ``from_box`` says that it is no measured one.
    """

    distance: float
    deviation: float
    why: Verdict = KNOWN
    from_box: bool = False


class Ranging:
    """Keeps the height that the box had at the start: there, the distance is the one to keep."""

    def __init__(self) -> None:
        self._first: list[float] = []

    def clear(self) -> None:
        """Forget the target."""
        self._first.clear()

    def range(self, seen: Observation, limits: FollowLimits) -> Range:
        """The range of a certain observation."""
        if seen.range_known:
            found = Range(seen.range_m, seen.range_stddev_m)
        elif limits.range_from_box:
            found = self._from_box(seen, limits.distance)
        else:
            return Range(math.nan, math.nan, _unknown(seen))
        if not 0 < found.distance < FARTHEST:
            return Range(math.nan, math.nan, _unknown(seen))
        if not 0 <= found.deviation <= limits.max_range_share * found.distance:
            return Range(math.nan, math.nan, Verdict(
                FollowReason.RANGE_UNSURE, f'the range of {found.distance:.1f} m has a deviation '
                f'of {found.deviation:.2f} m'))
        return found

    def _from_box(self, seen: Observation, standoff: float) -> Range:
        """NaN until enough whole boxes were seen."""
        height = seen.box_height
        if seen.cut_ends or not (math.isfinite(height) and height > 0):
            return Range(math.nan, math.nan)
        if len(self._first) < LEARNT:
            self._first.append(height)
            return Range(math.nan, math.nan)
        distance = standoff * statistics.median(self._first) / height
        return Range(distance, distance * HEIGHT_ERROR, from_box=True)


def _unknown(seen: Observation) -> Verdict:
    """Why there is no range."""
    if seen.cut_ends and not seen.from_depth:
        return Verdict(FollowReason.TRUNCATED, 'the box is cut off at its upper or lower end, so '
                       'that its height gives no range; depth would')
    return Verdict(FollowReason.RANGE_UNKNOWN,
                   'the range is not known: there is neither depth nor a known height')
