"""A box that has grown at once may have taken in a neighbour: the target's usual size tells.

Search patches show a target of the last box's shape, so a box that holds two people looks right
from then on. In a window of the shape that the target usually had, it is often seen alone.
"""

from __future__ import annotations

from collections import deque
import math
from statistics import median

from siamx_ros.geometry import BoundingBox

NEWEST, LEAST = 20, 5
"""Reliable images whose median is the usual size; fewer tell nothing."""
KEPT_SHARE = 0.3
"""A target really grows if its box in the usual shape grows by more than this share of it (in
logarithms)."""
LOOKS = 5
"""A target that was seen to grow so often has grown, until it has its usual size again."""


class UsualSize:
    """Sizes of one target's box in its newest reliable images.

    Args:
        box: as it was given.
    """

    def __init__(self, box: BoundingBox) -> None:
        self._sizes: deque[tuple[float, float]] = deque([(box.w, box.h)], maxlen=NEWEST)
        self._looks = 0

    def note(self, box: BoundingBox) -> None:
        """Take in the box of a reliable image."""
        self._sizes.append((box.w, box.h))

    def clear(self) -> None:
        """Forget all sizes: the target may come back at another one."""
        self._sizes.clear()
        self._looks = 0

    def is_doubtful(self, box: BoundingBox, share: float) -> bool:
        """Whether a box has grown by a share, and it is not known yet that the target has.

        There must be a usual size.
        """
        if not has_grown(box, self.size, share):
            self._looks = 0
        return has_grown(box, self.size, share) and self._looks < LOOKS

    def looked(self, grew: bool) -> None:
        """Note whether the target itself was seen to grow."""
        self._looks = self._looks + 1 if grew else 0

    @property
    def size(self) -> tuple[float, float] | None:
        """Median width and height, pixels; None where too few are known."""
        if len(self._sizes) < LEAST:
            return None
        widths, heights = zip(*self._sizes)
        return median(widths), median(heights)


def has_grown(box: BoundingBox, usual: tuple[float, float], share: float) -> bool:
    """Whether a box is wider or taller than usual by at least a share of that."""
    return max(box.w / usual[0], box.h / usual[1]) >= 1 + share


def stays_usual(seen: BoundingBox, grown: BoundingBox, usual: tuple[float, float],
                share: float) -> bool:
    """Whether a target seen in its usual shape has its usual size, and did not grow as its box did.

    Args:
        seen: its box in a window of the usual shape.
        grown: that in the window of its last box.
        usual: width and height.
        share: of the usual size, by which another size is larger, or the usual one than that.
    """
    smallest = min(seen.w / usual[0], seen.h / usual[1])
    if has_grown(seen, usual, share) or smallest < 1 / (1 + share):
        return False
    by_width = (math.log(grown.w / usual[0]), math.log(seen.w / usual[0]))
    by_height = (math.log(grown.h / usual[1]), math.log(seen.h / usual[1]))
    of_box, of_seen = max(by_width, by_height)
    return of_seen < KEPT_SHARE * of_box
