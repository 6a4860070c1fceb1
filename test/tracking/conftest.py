"""A stub network that peaks on a colour: the whole tracker without weights."""

from contextlib import nullcontext

import numpy as np
import pytest

from siamx_ros.patch_geometry import SquareGeometry
from siamx_ros.model.inference import Maps, Template

RED = (0, 0, 255)


class ColourEngine:
    """Scores are the share of red around a cell; distances lead to the edges of all red.

    Attributes:
        searched: side of every search patch, in order.
    """

    geometry = SquareGeometry()
    takes_regions = False

    def __init__(self):
        self.searched = []

    def image_context(self):
        return nullcontext()

    def embed(self, patch):
        return Template({}, None)

    def prepare(self, sizes, template):
        return False

    def search(self, patch, template, meanwhile=lambda: None):
        meanwhile()
        side = len(patch)
        self.searched.append(side)
        cells = (side - 127) // 8 + 9
        centres = (np.arange(cells) - cells // 2) * 8 + side // 2
        red = _redness(patch)
        scores = np.array([[red[max(0, y - 6):y + 7, max(0, x - 6):x + 7].mean() for x in centres]
                           for y in centres])
        ys, xs = np.nonzero(red)
        x0, y0, x1, y1 = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if len(xs) else (
            side / 2 - 30, side / 2 - 30, side / 2 + 30, side / 2 + 30)
        gx, gy = np.meshgrid(centres + 0.5, centres + 0.5)
        distances = np.stack([gx - x0, gy - y0, x1 - gx, y1 - gy])
        return Maps(0.02 + 0.96 * scores, distances, red)

    def search_many(self, searches):
        return (self.search(patch, template) for patch, template in searches)

    def describe(self, maps):
        """Red and its edges, averaged over cells: 3 x n x n."""
        red, cells = maps.features, len(maps.scores) + 6
        start = (len(red) - 8 * cells) // 2
        parts = []
        for plane in (red, *np.gradient(red)):
            inner = plane[start:start + 8 * cells, start:start + 8 * cells]
            parts.append(inner.reshape(cells, 8, cells, 8).mean((1, 3)))
        return np.array(parts, np.float32)

    def similarity(self, maps, cell, template):
        return float('nan')


def _redness(patch):
    patch = patch.astype(float)
    return ((patch[..., 2] > 150) & (patch[..., 0] < 90)).astype(float)


@pytest.fixture
def engine():
    return ColourEngine()


@pytest.fixture
def scene():
    """A function: centre or None -> 480 x 640 image with a red square of 40 px on grey."""
    def draw(centre, size=40):
        image = np.full((480, 640, 3), 100, np.uint8)
        if centre is not None:
            x, y = (int(round(value - size / 2)) for value in centre)
            image[max(0, y):max(0, y + size), max(0, x):max(0, x + size)] = RED
        return image
    return draw
