"""Windows that are cut out of images."""

import numpy as np
import pytest

from siamx_ros.geometry import CropWindow
from siamx_ros.imaging import CROPS, warp


@pytest.mark.parametrize('side', [0.3, 1e-9])
@pytest.mark.parametrize('crop', CROPS)
def test_a_window_below_a_pixel_shows_the_pixel(crop, side):
    image = np.full((8, 10, 3), (10, 120, 250), np.uint8)
    patch = CROPS[crop](image, CropWindow(4.5, 3.5, side, 127), (0.0, 0.0, 0.0))
    assert patch.shape == (127, 127, 3) and (patch == image[0, 0]).all()


def test_only_what_both_directions_shrink_is_averaged():
    """Stripes of one pixel stay where the patch is as fine, however coarse it is downwards."""
    image = np.zeros((120, 40, 3), np.uint8)
    image[:, ::2] = 200
    matrix = np.array([[1.0, 0.0, 4.0], [0.0, 3.0, 4.0]])
    patch = warp(image, matrix, 24, (0.0, 0.0, 0.0))
    assert (patch == image[:24, 4:28]).all()
