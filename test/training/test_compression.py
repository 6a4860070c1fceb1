"""Compression on the device takes from a picture what a JPEG file does."""

import cv2
import numpy as np
import pytest
import torch

from siamx_ros.training.augment import coarsen
from siamx_ros.training.compression import compress


def textured(side, seed=0):
    """Coloured blobs with fine texture upon them."""
    rng = np.random.default_rng(seed)
    blobs = cv2.resize(rng.integers(0, 256, (7, 7, 3), np.uint8), (side, side)).astype(float)
    grain = cv2.GaussianBlur(rng.normal(0, 60, (side, side, 1)), (0, 0), 1.2)[..., None]
    return np.clip(blobs + grain, 0, 255).astype(np.uint8)


def compressed(planes, quality):
    """A picture in the corner of a larger canvas, among others of other sizes and qualities."""
    side = planes.shape[-1]
    canvas = torch.full((3, 3, side + 5, side + 5), 77.0)
    canvas[1, :, :side, :side] = planes
    codes = compress(canvas, torch.tensor([8, side, side + 5]), torch.tensor([90, quality, 5]))
    return codes[1, :, :side, :side].permute(1, 2, 0).numpy()


@pytest.mark.parametrize('side', [24, 37, 127, 255])
@pytest.mark.parametrize('quality', [15, 40, 75])
def test_a_file_of_that_quality_loses_the_same(side, quality):
    picture = textured(side)
    _, code = cv2.imencode('.jpg', picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    expected = cv2.imdecode(code, cv2.IMREAD_COLOR).astype(float)
    planes = torch.from_numpy(picture).permute(2, 0, 1).float()
    ours = compressed(planes, quality)
    lost = np.abs(expected - picture).mean()
    assert lost > 1.5 and np.abs(ours - expected).mean() < 0.45 * lost
    other = compressed(planes, {15: 40, 40: 75, 75: 40}[quality])
    assert np.abs(ours - expected).mean() < 0.6 * np.abs(other - expected).mean()


def test_blocks_are_as_coarse_as_the_camera():
    """Compressed at a third of the resolution, the steps between blocks lie thrice as far apart."""
    picture = textured(240, seed=2)
    plain, coarse = (coarsen(picture, factor, 10).astype(float) for factor in (1.0, 3.0))
    for patch, period in ((plain, 8), (coarse, 24)):
        step = np.abs(np.diff(cv2.cvtColor(patch.astype(np.float32), cv2.COLOR_BGR2GRAY), axis=1))
        profile = step.mean(0)
        edges = profile[period - 1::period].mean()
        others = np.delete(profile, np.s_[period - 1::period]).mean()
        assert edges > 1.15 * others, period
