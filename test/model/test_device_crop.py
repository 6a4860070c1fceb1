"""Patches that a device makes of uploaded pixels are those that the CPU cuts, to a grey level."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from siamx_ros.geometry import CropWindow
from siamx_ros.image_region import cut_region
from siamx_ros.imaging import crop
from siamx_ros.model.device_crop import DeviceCrop
from siamx_ros.patch_geometry import MOST_PIXELS, Region
from siamx_ros.reduced_image import ReducedImage

FILL = (10.0, 200.0, 30.0)
DEVICES = ('cpu', pytest.param('cuda', marks=pytest.mark.gpu))
WINDOWS = {
    'inside': CropWindow(320.3, 240.2, 150, 207, 1.1), 'finer': CropWindow(400.7, 99.1, 20.3, 127),
    'below a pixel': CropWindow(17.4, 9.9, 0.3, 127),
    'as it is': CropWindow(200.5, 150.5, 127, 127),
    'twice as coarse': CropWindow(320.3, 240.2, 430, 207, 0.9),
    'coarser than the image': CropWindow(290.7, 250.1, 2500, 207, 1.2),
    'half outside': CropWindow(2.3, 470.2, 180, 255), 'coarse, half outside':
    CropWindow(630.9, 3.2, 700, 207, 1.3), 'beside the image': CropWindow(-90.5, 240, 60, 127),
    'under it': CropWindow(320, 700.5, 60, 127), 'far away': CropWindow(2000.3, -1000, 300, 207),
    'wide': CropWindow(300.2, 200.9, 180, 255, 2.2),
    'high': CropWindow(300.2, 200.9, 300, 207, 0.5),
    'too wide': CropWindow(320.5, 240.5, 360, 127, 2.6)}


def picture(noise: bool = True) -> np.ndarray:
    """640 x 480 pixels; without noise, such as grow out of 80 x 60."""
    size = (480, 640, 3) if noise else (60, 80, 3)
    drawn = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    return drawn if noise else cv2.resize(drawn, (640, 480), interpolation=cv2.INTER_CUBIC)


def made(regions: list[Region], device: str, room: int = 0) -> np.ndarray:
    cut = DeviceCrop(max(room, len(regions)), len(regions[0]), torch.device(device))
    cut.upload(regions)
    return cut.patches()[:len(regions)].cpu().numpy()


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('window', WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize('on_pixels', [False, True])
def test_a_patch_is_that_of_the_cpu(window, on_pixels, device):
    window = window.on_pixels() if on_pixels else window
    for image in (picture(), picture(noise=False)):
        region = cut_region(image, window, FILL)
        assert region.pixels[..., 0].size <= MOST_PIXELS * window.patch_side ** 2
        [patch] = made([region], device)
        difference = np.abs(patch - crop(image, window, FILL))
        assert difference.max() <= 1 and difference.mean() < 0.2


def test_no_more_is_uploaded_than_is_looked_at():
    image = picture()
    for name, most in (('finer', 22 ** 2), ('inside', 152 ** 2), ('half outside', 105 ** 2),
                       ('far away', 2 * 2), ('coarser than the image', 82 * 62)):
        pixels = cut_region(image, WINDOWS[name], FILL).pixels
        assert pixels[..., 0].size <= most, name
    assert cut_region(image, WINDOWS['too wide'].on_pixels(), FILL).step == (1, 1), 'cut by the CPU'
    assert np.shares_memory(cut_region(image, WINDOWS['inside'], FILL).pixels, image)


def test_of_an_image_of_blocks():
    image, window = picture(noise=False), WINDOWS['twice as coarse']
    blocks = ReducedImage(cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA), 2,
                          (640, 480))
    [patch] = made([cut_region(blocks, window, FILL)], 'cpu')
    assert np.abs(patch - crop(blocks, window, FILL)).max() <= 1


@pytest.mark.parametrize('device', DEVICES)
def test_several_patches_of_one_upload(device):
    """Regions of different shapes lie one behind the other; there may be room for more."""
    image = picture()
    windows = [replace(WINDOWS[name], patch_side=207) for name in (
        'inside', 'half outside', 'finer', 'twice as coarse')]
    shown = [cut_region(image, window, FILL) for window in windows]
    patch = crop(image, windows[0], FILL)
    for regions, room in ((shown, 4), (shown[1:], 5), ([*shown, Region.of_patch(patch)], 0)):
        for one, region in zip(made(regions, device, room), regions, strict=True):
            np.testing.assert_array_equal(one, made([region], device)[0])
    np.testing.assert_array_equal(made([Region.of_patch(patch)], device)[0], patch)
