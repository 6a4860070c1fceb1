"""Whether images arrive that count, what is said where they do not, and 16 bits by the settings."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from siamx_ros.messages.frames import Frame
from siamx_ros.node import input_watch
from siamx_ros.node.image_decoder import RANGE_EVERY, ImageDecoder
from siamx_ros.node.input_watch import InputWatch
from siamx_ros.node_config import NodeConfig

CONFIG = NodeConfig().replace({'image_timeout': 0.5, 'tracking': {'lost_time': 1.0}})


@pytest.fixture
def now(monkeypatch) -> SimpleNamespace:
    """The clock, to be set."""
    clock = SimpleNamespace(value=100.0, unreadable=False)
    monkeypatch.setattr(input_watch.time, 'monotonic', lambda: clock.value)
    return clock


@pytest.fixture
def watch(now) -> InputWatch:
    return InputWatch(CONFIG, lambda: now.unreadable)


def problem(watch: InputWatch) -> str:
    return watch.problem(lambda: 'nobody publishes', 'damaged')


def arrive(watch: InputWatch, now, data: bytes | None = None) -> bool:
    """An image comes, of new bytes if none are given."""
    return watch.arrived(now.value, str(now.value) if data is None else data)


def test_no_problem_while_images_come(watch, now):
    for _ in range(5):
        now.value += 0.4
        arrive(watch, now)
        assert problem(watch) == '' and not watch.ends_gap(now.value)


@pytest.mark.parametrize('gap, lost', [(0.9, False), (1.1, True)])
def test_a_long_gap_is_reported_once_and_by_the_image_after_it(watch, now, gap, lost):
    now.value += gap
    assert problem(watch) == f'no image for {gap:.1f} s: nobody publishes'
    arrive(watch, now)
    assert problem(watch) == ''
    assert [watch.ends_gap(now.value), watch.ends_gap(now.value)] == [lost, False]


@pytest.mark.parametrize('rate, due', [
    (0.0, [0.0, 0.033, 0.067, 0.1, 0.133, 0.167, 0.2]), (15.0, [0.0, 0.067, 0.133, 0.2]),
    (30.0, [0.0, 0.033, 0.067, 0.1, 0.133, 0.167, 0.2]), (7.0, [0.0, 0.133])])
def test_of_images_at_30_hz_as_many_are_due_as_max_rate_says(watch, rate, due):
    watch.config = CONFIG.replace({'max_rate': rate})
    stamps = [round(index / 30, 3) for index in range(7)]
    assert [stamp for stamp in stamps if watch.is_due(stamp)] == due
    assert watch.is_due(-5.0), 'the clock was set back'
    assert watch.is_due(-5.0), 'it has stopped'


@pytest.mark.parametrize('rate', [4.0, 11.0, 15.0, 20.0, 29.0, 30.0, 60.0])
def test_max_rate_is_the_rate_of_a_camera_whose_stamps_waver(watch, rate):
    watch.config = CONFIG.replace({'max_rate': rate})
    stamps = np.arange(3000) / 30 + np.random.default_rng(0).uniform(-0.003, 0.003, 3000)
    due = [stamp for stamp in stamps if watch.is_due(stamp)]
    assert len(due) == pytest.approx(min(rate, 30.0) * 100, rel=0.01)
    assert np.diff(due).max() < 1 / min(rate, 30.0) + 1 / 30 + 0.01
    assert watch.is_due(stamps[-1] + 50), 'a gap'
    assert not watch.is_due(stamps[-1] + 50 + 0.5 / rate), 'it is no credit'


def test_a_new_target_does_not_suffer_from_an_old_gap(watch, now):
    now.value += 2
    arrive(watch, now)
    watch.forgive()
    assert not watch.ends_gap(now.value)


def test_images_that_are_too_old_count_as_none(watch, now):
    watch.config = CONFIG.replace({'max_image_age': 0.2})
    now.value += 0.6
    assert watch.is_too_old(0.3) and not CONFIG.max_image_age
    assert problem(watch) == 'no image for 0.6 s that is younger than 0.2 s (max_image_age)'
    assert not watch.is_too_old(0.1)


def test_images_that_cannot_be_read_count_as_none(watch, now):
    arrive(watch, now)
    assert not watch.is_stale_after(now.value)
    now.unreadable = True
    for _ in range(3):
        now.value += 0.4
        arrive(watch, now)
        stale = watch.is_stale_after(now.value)
    assert stale and problem(watch) == 'no readable image for 1.2 s: damaged'
    assert watch.ends_gap(now.value), 'the first one that may be read again'
    now.unreadable = False
    assert not watch.is_stale_after(now.value) and problem(watch) == ''


def test_an_image_that_comes_while_the_first_readable_one_is_tracked_is_no_second_gap(watch, now):
    now.unreadable = True
    for _ in range(5):
        now.value += 0.4
        arrive(watch, now)
        watch.is_stale_after(now.value)
    first = now.value
    assert watch.ends_gap(first)
    now.unreadable = False  # it was decoded, and is being tracked
    now.value += 0.03
    arrive(watch, now)
    assert not watch.is_stale_after(first)
    assert not watch.ends_gap(now.value)
    now.value += 1.5
    arrive(watch, now)
    assert watch.ends_gap(now.value), 'the next gap counts again'


def test_what_cannot_be_read_is_no_frozen_camera(watch, now):
    """Empty images are all of the same bytes."""
    now.unreadable = True
    for _ in range(4):
        frozen = arrive(watch, now, b'')
        watch.is_stale_after(now.value, frozen=frozen)
        now.value += 0.2
    assert frozen and watch.frozen_for == 0
    assert problem(watch) == 'no readable image for 0.8 s: damaged'


def test_an_image_that_turns_out_to_be_unreadable_did_not_count(watch, now):
    assert not watch.is_stale_after(now.value)
    now.value += 0.4
    arrive(watch, now)
    now.unreadable = True
    assert not watch.is_stale_after(now.value)
    now.value += 0.2
    assert problem(watch) == 'no readable image for 0.6 s: damaged'


def test_images_of_the_same_bytes_count_as_none(watch, now):
    for _ in range(4):
        frozen = arrive(watch, now, b'same')
        assert not watch.is_stale_after(now.value, frozen=frozen)
        now.value += 0.2
    assert frozen and watch.frozen_for == pytest.approx(0.8)
    assert problem(watch).startswith('the images have not changed for 0.8 s: the camera hangs')
    watch.config = CONFIG.replace({'tracking': {'lost_time': 0.5}})
    assert not arrive(watch, now, b'other'), 'back at once'
    assert problem(watch) == '' and watch.frozen_for == 0 and watch.ends_gap(now.value)


def test_every_image_sent_twice_is_no_frozen_camera(watch, now):
    for number in range(20):
        for _ in range(2):
            frozen = arrive(watch, now, bytes([number]))
            assert problem(watch) == '' and watch.frozen_for == 0
            now.value += 0.05
        watch.is_stale_after(now.value, frozen=frozen)  # the first of two was overwritten
    now.unreadable = True
    assert not watch.is_stale_after(now.value), 'one that cannot be read makes it no older'


def test_a_frozen_camera_that_ends_is_reported_as_missing(watch, now):
    for _ in range(2):
        arrive(watch, now, b'same')
    now.value += 0.6
    assert problem(watch) == 'no image for 0.6 s: nobody publishes' and watch.frozen_for == 0


def test_a_simulated_camera_without_noise_may_send_the_same(watch, now):
    watch.config = CONFIG.replace({'detect_frozen_images': False})
    for _ in range(5):
        now.value += 0.4
        assert not arrive(watch, now, b'same')
        assert problem(watch) == ''


GREY = np.arange(48 * 64).reshape(48, 64) % 256


def frame(pixels: np.ndarray, encoding: str) -> Frame:
    msg = SimpleNamespace(height=48, width=64, encoding=encoding, is_bigendian=0,
                          step=pixels.strides[0], data=pixels.tobytes())
    return Frame(msg, 0.0, 0.0, 0.0)


@pytest.mark.parametrize('spread, contrast, words', [
    (True, 70.0, 'spread to 8 bits'), (False, 1.2, 'the upper 8 bits are taken')])
def test_ten_bits_are_spread_unless_the_setting_says_no(spread, contrast, words):
    said: list[str] = []
    decoder = ImageDecoder(NodeConfig().replace({'spread_16_bit': spread}), said.append)
    for _ in range(RANGE_EVERY + 1):
        image = decoder.decode(frame((4 * GREY).astype(np.uint16), 'mono16'))
    assert image.std() == pytest.approx(contrast, rel=0.1)
    assert len(said) == 1 and words in said[0] and decoder.values in said[0]
    assert decoder.values.endswith('(10 bits)')


@pytest.mark.parametrize('pixels, values', [
    ((4 * GREY).astype(np.uint16), '(10 bits)'), (GREY.astype(np.uint8), '')])
def test_the_values_of_a_png_file_are_said_too(pixels, values):
    said: list[str] = []
    decoder = ImageDecoder(NodeConfig().replace({'image_transport': 'compressed'}), said.append)
    data = cv2.imencode('.png', pixels)[1].tobytes()
    decoder.decode(Frame(SimpleNamespace(format='png', data=data), 0.0, 0.0, 0.0))
    assert decoder.values.endswith(values) and len(said) == bool(values) == bool(decoder.values)


def test_nothing_is_said_of_eight_bits():
    said: list[str] = []
    decoder = ImageDecoder(NodeConfig(), said.append)
    image = decoder.decode(frame(GREY.astype(np.uint8), 'mono8'))
    np.testing.assert_array_equal(image[..., 0], GREY)
    assert not said and decoder.values == ''
