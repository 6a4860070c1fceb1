"""Boxes, search windows and overlaps: the only place that turns patch pixels into image pixels.

Convention, used everywhere in this package: image x right, y down, unit pixel, 0-based, continuous
edges. A box covers ``[x, x + w) x [y, y + h)``, an image of W x H pixels covers ``[0, W] x [0, H]``
and the centre of its first pixel lies at (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

import numpy as np

from siamx_ros.errors import InputError

MIN_VISIBLE = 0.5
"""Least share of an initial box that must lie inside its image."""
TEMPLATE_SIZE = 127
"""Side of the template patch (exemplar size), pixels."""
SEARCH_SIZE = 255
"""Side of the search patch of the paper, pixels."""


@dataclass(frozen=True)
class BoundingBox:
    """An axis-aligned box in pixels: top-left corner ``x, y``, size ``w, h`` (both > 0).

    Raises:
        InputError: a number is not finite, a size is not positive, or the area no number above 0.
    """

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        if self.w > 0 < self.h and 0 < self.area < math.inf and math.isfinite(self.x + self.y):
            return
        values = (self.x, self.y, self.w, self.h)
        if not all(math.isfinite(value) for value in values):
            raise InputError(f'a box needs four finite numbers x,y,w,h, got {self}')
        if self.w <= 0 or self.h <= 0:
            raise InputError(f'a box needs a positive width and height, got {self}')
        if not 0 < self.area < math.inf:
            raise InputError(f'a box needs an area that is neither 0 nor infinite, got {self}')

    def __str__(self) -> str:
        return f'{self.x:g},{self.y:g},{self.w:g},{self.h:g}'

    @classmethod
    def of(cls, box) -> BoundingBox:
        """The box itself, or one made from a sequence of four numbers x, y, w, h.

        Raises:
            TypeError: it is anything else.
            InputError: the numbers make no box.
        """
        if isinstance(box, cls):
            return box
        try:
            x, y, w, h = (float(value) for value in box if not isinstance(value, (str, bytes)))
        except (TypeError, ValueError):
            raise TypeError('a box must be a BoundingBox or four numbers x, y, w, h, '
                            f'got {box!r}') from None
        return cls(x, y, w, h)

    @classmethod
    def from_xywh(cls, xywh) -> BoundingBox:
        """Make a box from four numbers x, y, w, h."""
        x, y, w, h = (float(value) for value in xywh)
        return cls(x, y, w, h)

    @classmethod
    def from_centre(cls, cx: float, cy: float, w: float, h: float) -> BoundingBox:
        """Make a box from its centre and size."""
        return cls(cx - w / 2, cy - h / 2, w, h)

    @classmethod
    def from_corners(cls, x0: float, y0: float, x1: float, y1: float) -> BoundingBox:
        """Make a box from its top-left and bottom-right corners."""
        return cls(x0, y0, x1 - x0, y1 - y0)

    @property
    def centre(self) -> tuple[float, float]:
        """The centre (x, y)."""
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """The corners (x0, y0, x1, y1)."""
        return self.x, self.y, self.x + self.w, self.y + self.h

    @property
    def xywh(self) -> tuple[float, float, float, float]:
        """The four numbers x, y, w, h."""
        return self.x, self.y, self.w, self.h

    @property
    def area(self) -> float:
        """The area in square pixels."""
        return self.w * self.h

    def iou(self, other: BoundingBox) -> float:
        """Intersection over union with another box, 0 to 1."""
        width = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        height = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        both = max(width, 0.0) * max(height, 0.0)
        return both / (self.area + other.area - both)

    def visible_share(self, width: float, height: float) -> float:
        """The share (0 to 1) of the box that lies inside an image of width x height."""
        x0, y0, x1, y1 = self.corners
        inside_w = max(0.0, min(x1, width) - max(x0, 0.0))
        inside_h = max(0.0, min(y1, height) - max(y0, 0.0))
        return inside_w * inside_h / self.area

    def clipped(self, width: float, height: float) -> BoundingBox:
        """The part inside an image of width x height.

        Raises:
            InputError: the box lies entirely outside.
        """
        x0, y0, x1, y1 = self.corners
        x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height)
        if x1 <= x0 or y1 <= y0:
            raise InputError(f'box {self} lies outside the image of {width:g}x{height:g} pixels')
        return BoundingBox.from_corners(x0, y0, x1, y1)


@dataclass(frozen=True)
class CropWindow:
    """A window of the image, resized to a square patch.

    Attributes:
        centre_x, centre_y: window centre in the image, pixels.
        side: window side in the image, pixels; the geometric mean of width and height.
        patch_side: side of the patch it becomes, pixels.
        stretch: root of width by height; 1 for a square.

    Raises:
        InputError: the centre is not finite, or one of the others not positive.
    """

    centre_x: float
    centre_y: float
    side: float
    patch_side: int
    stretch: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.centre_x) and math.isfinite(self.centre_y)):
            raise InputError(f'a window needs a finite centre, got {self}')
        if not all(value > 0 and math.isfinite(value)
                   for value in (self.side, self.patch_side, self.stretch)):
            raise InputError(f'a window needs a positive side, patch side and stretch, got {self}')

    @property
    def width(self) -> float:
        """Of the window in the image, pixels."""
        return self.side * self.stretch

    @property
    def height(self) -> float:
        """Of the window in the image, pixels."""
        return self.side / self.stretch

    @property
    def scales(self) -> tuple[float, float]:
        """Patch pixels per image pixel, in x and y."""
        return self.patch_side / self.width, self.patch_side / self.height

    @property
    def box(self) -> BoundingBox:
        """The window as a box in the image."""
        return BoundingBox.from_centre(self.centre_x, self.centre_y, self.width, self.height)

    def to_patch(self, box: BoundingBox) -> BoundingBox:
        """Map a box from image pixels to patch pixels."""
        (x, y), (left, top) = self.scales, self.box.xywh[:2]
        return BoundingBox((box.x - left) * x, (box.y - top) * y, box.w * x, box.h * y)

    def to_image(self, box: BoundingBox) -> BoundingBox:
        """Map a box from patch pixels to image pixels (inverse of :meth:`to_patch`)."""
        (x, y), (left, top) = self.scales, self.box.xywh[:2]
        return BoundingBox(left + box.x / x, top + box.y / y, box.w / x, box.h / y)

    def moved_to(self, centre_x: float, centre_y: float) -> CropWindow:
        """The same window around another centre."""
        return replace(self, centre_x=centre_x, centre_y=centre_y)

    @property
    def is_on_pixels(self) -> bool:
        """Whether its corners are those of pixels, which makes it faster to cut."""
        return min(self.width, self.height) > 0.5 and all(
            abs(value - round(value)) < 1e-6 for value in self.box.xywh)

    def on_pixels(self) -> CropWindow:
        """The nearest window whose corners are those of pixels, or of the blocks that they form.

        It differs by half a pixel of its patch at most, so the image's pixels must not be larger;
        where they are, it is the window itself.
        """
        step = 1 / max(self.scales)
        if step < 1:
            return self
        block = 2 ** int(math.log2(step))
        x0, y0, x1, y1 = (block * round(value / block) for value in self.box.corners)
        width, height = x1 - x0, y1 - y0
        return CropWindow((x0 + x1) / 2, (y0 + y1) / 2, math.sqrt(width * height),
                          self.patch_side, math.sqrt(width / height))

    def reduced(self, factor: float) -> CropWindow:
        """The same window in an image of blocks of factor x factor pixels."""
        return replace(self, centre_x=self.centre_x / factor, centre_y=self.centre_y / factor,
                       side=self.side / factor)


def context_side(w: float, h: float, context: float = 0.5) -> float:
    """Side of the square template window around a target of w x h pixels, in pixels.

    ``sqrt((w + p)(h + p))`` with ``p = context * (w + h)``: the exemplar window of the Siamese
    trackers that the paper builds on.
    """
    pad = context * (w + h)
    return math.sqrt((w + pad) * (h + pad))


def iou_xywh(boxes_a: np.ndarray, boxes_b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes ``(..., 4)`` as x, y, w, h; broadcasts, returns ``(...)``.

    Boxes with NaN or without area have overlap 0.
    """
    a = np.asarray(boxes_a, dtype=np.float64)
    b = np.asarray(boxes_b, dtype=np.float64)
    top_left = np.maximum(a[..., :2], b[..., :2])
    bottom_right = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    size = np.clip(bottom_right - top_left, 0, None)
    intersection = size[..., 0] * size[..., 1]
    union = a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - intersection
    with np.errstate(divide='ignore', invalid='ignore'):
        overlap = intersection / union
    return np.where(np.isfinite(overlap) & (union > 0), overlap, 0.0)
