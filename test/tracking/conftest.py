"""A stub network that peaks on a colour: the whole tracker without weights."""

import numpy as np
import pytest

from siamx_ros.model.inference import Maps, Template

RED = (0, 0, 255)


class ColourEngine:
    """Scores are the share of red around a cell; distances come from the size of the template.

    Attributes:
        searched: side of every search patch, in order.
    """

    def __init__(self):
        self.searched = []

    def embed(self, patch):
        red = _redness(patch) > 0.5
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        size = (np.ptp(columns) + 1, np.ptp(rows) + 1) if len(rows) else (40, 40)
        return Template({'size': size}, None)

    def search(self, patch, template):
        side = len(patch)
        self.searched.append(side)
        cells = (side - 127) // 8 + 9
        centres = (np.arange(cells) - cells // 2) * 8 + side // 2
        red = _redness(patch)
        w, h = template.kernels['size']
        scores = np.array([[red[max(0, y - 6):y + 7, max(0, x - 6):x + 7].mean() for x in centres]
                           for y in centres])
        ys, xs = np.nonzero(red > 0.5)
        cx, cy = (xs.mean() + 0.5, ys.mean() + 0.5) if len(xs) else (side / 2, side / 2)
        gx, gy = np.meshgrid(centres + 0.5, centres + 0.5)
        distances = np.stack([gx - cx + w / 2, gy - cy + h / 2, cx + w / 2 - gx, cy + h / 2 - gy])
        return Maps(0.02 + 0.96 * scores, distances, None)

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
