"""Images of which only blocks are decoded: what is seen in them lies where it lies in the whole."""

from types import SimpleNamespace

import cv2
from exif import oriented
import numpy as np
import pytest

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.messages.conversions import image_from_compressed, without_exif
from siamx_ros.messages.frames import Frame
from siamx_ros.node.session import Session
from siamx_ros.node.target_names import TargetNames
from siamx_ros.patch_geometry import SquareGeometry, StretchedGeometry
from siamx_ros.records import Reason, TrackResult, TrackState
from siamx_ros.reduced_image import (
    ReducedImage, area_around, decode_reduced, halved, largest_factor)
from siamx_ros.tracking.search import enough_blocks

SIZE = (803, 597)
"""Width and height, no multiples of any factor."""
FILL = (90.0, 120.0, 30.0)


@pytest.fixture(scope='module')
def jpeg():
    """A JPEG file of smooth texture."""
    small = np.random.default_rng(4).integers(0, 256, (30, 40, 3), np.uint8)
    picture = cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)
    return cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@pytest.fixture(scope='module')
def whole(jpeg):
    return imaging.decode_image(jpeg)


@pytest.mark.parametrize('factor', [2, 4, 8])
def test_each_block_is_the_mean_of_its_pixels(jpeg, whole, factor):
    image = decode_reduced(jpeg, SIZE, factor)
    assert image.shape == whole.shape and image.factor == factor
    inner = [side // factor for side in SIZE[::-1]]
    cut = whole[:inner[0] * factor, :inner[1] * factor].astype(float)
    means = cut.reshape(inner[0], factor, inner[1], factor, 3).mean((1, 3))
    seen = image.pixels[:inner[0], :inner[1]]
    assert np.abs(seen - means).mean() < 1 and np.abs(seen - means).max() < 12


@pytest.mark.parametrize('factor', [2, 4])
@pytest.mark.parametrize('centre', [(401.3, 298.6), (60.0, 40.0), (790.0, 580.0)])
def test_a_window_shows_the_same(jpeg, whole, factor, centre):
    window = CropWindow(*centre, 127 * factor * 1.1, 127, 1.03)
    image = decode_reduced(jpeg, SIZE, factor)
    patches = [imaging.crop(each, window, FILL).astype(float) for each in (whole, image)]
    difference = np.abs(patches[0] - patches[1])
    assert difference.mean() < 2
    moved = imaging.crop(image, window.moved_to(centre[0] + 4 * factor, centre[1]), FILL)
    assert np.abs(patches[0] - moved).mean() > 3 * difference.mean(), 'the test would see a shift'


@pytest.mark.parametrize('times', [0, 1, 2, 3])
def test_what_is_halved_is_averaged(times):
    pixels, side = np.random.default_rng(2).integers(0, 256, (48, 64), np.uint8), 2 ** times
    slow = pixels.reshape(48 // side, side, 64 // side, side).mean((1, 3))
    np.testing.assert_allclose(halved(pixels, times), slow, atol=1.5)


@pytest.mark.parametrize('times', [0, 1, 2, 3])
@pytest.mark.parametrize('corner', [
    (10, 20), (-7, -5), (780, 570), (-30, 100), (20, -50), (-55, -71), (802, 596)])
def test_outside_of_an_image_lies_the_fill(whole, corner, times):
    """Halved to the bit as if it were halved with all that is outside."""
    wide = np.full((797, 1003, 3), FILL, np.uint8)
    wide[100:697, 100:903] = whole
    x, y = corner[0] + 100, corner[1] + 100
    np.testing.assert_array_equal(
        area_around(whole, corner, (56, 72), FILL, times),
        halved(wide[y:y + 72, x:x + 56], times))


@pytest.mark.parametrize('step, factor', [
    (0.4, 1), (1.99, 1), (2.0, 2), (3.99, 2), (4.0, 4), (35.0, 8)])
def test_blocks_are_no_larger_than_what_becomes_a_pixel(step, factor):
    assert largest_factor(step) == factor


@pytest.mark.parametrize('geometry, size, change, factor', [
    (SquareGeometry(), (160, 160), {}, 2), (SquareGeometry(), (100, 100), {}, 1),
    (SquareGeometry(), (60, 600), {}, 1), (StretchedGeometry(2.0, 4.0), (160, 160), {}, 2),
    (StretchedGeometry(2.0, 4.0), (60, 600), {}, 1), (StretchedGeometry(2.0, 4.0), (1, 1), {}, 1),
    (StretchedGeometry(2.0, 4.0), (600, 600), {}, 8),
    (SquareGeometry(), (600, 600), {'crop': 'authors'}, 1)])
def test_the_target_decides(geometry, size, change, factor):
    box = BoundingBox.from_centre(900.0, 500.0, *map(float, size))
    assert enough_blocks(geometry, box, TrackerConfig().replace(change)) == factor


def test_a_camera_image_lies_as_its_sensor_saw_it_whatever_its_exif_data_say(jpeg):
    turned = oriented(jpeg)
    assert imaging.decode_image(turned).shape[:2] == SIZE, 'of a file, width and height change'
    plain, with_exif = (SimpleNamespace(data=data, format='jpeg') for data in (jpeg, turned))
    np.testing.assert_array_equal(image_from_compressed(with_exif), image_from_compressed(plain))
    reduced = image_from_compressed(with_exif, reduction=2)
    assert isinstance(reduced, ReducedImage) and reduced.size == SIZE
    np.testing.assert_array_equal(
        reduced.pixels, image_from_compressed(plain, reduction=2).pixels)
    assert without_exif(turned) == jpeg and without_exif(jpeg) == jpeg
    filled = turned[:2] + b'\xff\xff' + turned[2:]
    assert without_exif(filled) == jpeg[:2] + b'\xff\xff' + jpeg[2:], 'markers may be filled up'


def test_only_jpeg_files_are_reduced(jpeg, whole):
    png = cv2.imencode('.png', whole)[1].tobytes()
    for data, kind in ((jpeg, ReducedImage), (png, np.ndarray)):
        message = SimpleNamespace(data=data, format='')
        image = image_from_compressed(message, reduction=4)
        assert type(image) is kind and image.shape == whole.shape
        assert isinstance(image_from_compressed(message), np.ndarray)


@pytest.mark.parametrize('damage', [lambda data: data[:-2], lambda data: data[:300],
                                    lambda data: data[:200] + bytes(2000) + data[2200:]])
def test_damaged_files_are_refused_or_decoded_as_without(jpeg, damage):
    message = SimpleNamespace(data=damage(jpeg), format='jpeg')
    answers = []
    for reduction in (1, 2):
        try:
            answers.append(image_from_compressed(message, reduction=reduction).shape)
        except InputError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]


def test_what_consists_of_other_pixels_is_no_image():
    with pytest.raises(InputError, match='an image must be'):
        imaging.check_image(ReducedImage(np.zeros((3, 4), np.uint8), 2, (8, 6)))


class Tracker:
    """Says which blocks are enough, and keeps the kinds of images that came."""

    def __init__(self):
        self.reduction, self.seen = 4, []

    def init(self, image, box, stamp):
        self.seen.append(type(image))
        return TrackResult(box, 1.0, TrackState.TRACKING)

    def update(self, image, stamp):
        self.seen.append(type(image))
        return TrackResult(None, 1.0, TrackState.TRACKING)

    def lose(self, stamp):
        self.seen.append('lost')


def test_the_node_decodes_what_the_tracker_needs(jpeg, whole):
    tracker = Tracker()

    def decode(frame, reduction=1):
        return image_from_compressed(frame.msg, reduction=reduction)

    session = Session(tracker, decode, lambda: 0.0, 1.0, TargetNames())
    message = SimpleNamespace(data=jpeg, format='jpeg')
    frames = [Frame(message, stamp, stamp, 0.0) for stamp in range(4)]
    session.start(frames[0], lambda image: None, '', '')
    outcome = session.process(frames[1])
    assert outcome.image.shape == whole.shape and outcome.result.state == TrackState.TRACKING
    session.interrupt(Reason.NO_IMAGES)
    session.process(frames[2])
    tracker.reduction = 1
    session.process(frames[3])
    assert tracker.seen == [np.ndarray, ReducedImage, 'lost', np.ndarray, np.ndarray]


def test_of_several_targets_the_one_that_needs_the_finest_decides(jpeg):
    class Further(list):
        reduction = 2

        def update(self, frame, image, gate):
            return TrackResult(None, 1.0, TrackState.TRACKING)

        def await_image(self, frame):
            return True

    Further.seen, Further.names, Further.primary_changed = (), (), lambda self: None
    asked = []

    def decode(frame, reduction=1):
        asked.append(reduction)
        return image_from_compressed(frame.msg, reduction=reduction)

    session = Session(Tracker(), decode, lambda: 0.0, 1.0, TargetNames())
    frames = [Frame(SimpleNamespace(data=jpeg, format='jpeg'), stamp, stamp, 0.0)
              for stamp in range(3)]
    session.start(frames[0], lambda image: None, '', '')
    session.process(frames[1])
    session.further = Further(['one'])
    session.process(frames[2])
    assert asked == [1, 4, 2]
