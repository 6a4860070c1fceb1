"""The memory of images: one that is held stays, with images since then spread evenly."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from siamx_ros.messages import frames as frames_module
from siamx_ros.messages.frames import HOLD_S, Frame, FrameBuffer, in_time, stamp_seconds, thinned


def frame(stamp: float, size: int = 1000) -> Frame:
    return Frame(SimpleNamespace(data=bytes(size)), stamp, 0.0, 0.0)


@pytest.fixture
def buffer() -> FrameBuffer:
    """Of one second and ten of the frames, which come at 10 Hz; the first is held."""
    buffer = FrameBuffer(seconds=1.0, max_mb=0.01, jump=0.5)
    for number in range(5):
        buffer.add(frame(number / 10))
    assert buffer.hold(0.2)
    return buffer


def test_a_held_frame_outlives_time_and_memory_with_those_since_spread_evenly(buffer):
    for number in range(5, 300):
        buffer.add(frame(number / 10))
        assert sum(kept.size_bytes for kept in buffer.since(0.2)) <= 10_000
    kept = [each.stamp for each in buffer.since(0.2)]
    assert (kept[0], kept[-1], len(kept)) == (0.2, 29.9, 10)
    gaps = [after - before for before, after in zip(kept, kept[1:])]
    assert max(gaps) < 4 * 29.7 / 9, 'no large hole'
    assert buffer.since(0.1) == [], 'those before it left'


def test_it_is_let_go_after_a_time_and_for_another(buffer):
    buffer.add(frame(0.2 + HOLD_S))
    assert buffer.since(0.2)
    buffer.add(frame(0.3 + HOLD_S))
    assert not buffer.since(0.2)
    assert buffer.hold(0.3 + HOLD_S) and not buffer.hold(0.2), 'one that has left is not held'
    for number in range(2, 30):
        buffer.add(frame(0.2 + HOLD_S + number))
    assert buffer.since(0.3 + HOLD_S)


def test_held_and_newest_stay_however_large_and_a_jump_of_stamps_drops_all(buffer):
    buffer.add(frame(0.5, 1_000_000))
    buffer.add(frame(0.6, 1_000_000))
    assert [each.stamp for each in buffer.since(0.2)] == [0.2, 0.6]
    buffer.add(frame(0.0))
    assert not buffer.since(0.2) and buffer.newest().stamp == 0.0


def test_a_small_step_back_of_stamps_drops_nothing(buffer):
    """A clock that is set right, or a driver that sends out of order."""
    buffer.add(frame(0.5))
    buffer.add(frame(0.35))
    assert [each.stamp for each in buffer.since(0.2)] == [0.2, 0.3, 0.35, 0.4, 0.5]
    assert buffer.newest().stamp == 0.35, 'what the camera sees now'
    buffer.jump = 0.1
    buffer.add(frame(0.3))
    assert not buffer.since(0.2) and buffer.newest().stamp == 0.3


def test_a_step_back_beyond_what_is_kept_is_no_small_one(buffer):
    buffer.jump = 60.0
    buffer.add(frame(5.0))
    buffer.add(frame(1.0))
    assert buffer.newest().stamp == 1.0 and [each.stamp for each in buffer.since(1.0)] == [1.0]


def test_the_frame_memory_is_bounded_in_time_and_size():
    buffer = FrameBuffer(seconds=1.0, max_mb=1.0, jump=0.5)
    for number in range(1000):
        buffer.add(frame(number / 30, 1000))
    assert len(buffer.since(999 / 30 - 1.0, tolerance=0.1)) <= 31
    for number in range(1000, 1100):
        buffer.add(frame(number / 30, 300_000))
    kept = buffer.since(1097 / 30)
    assert len(kept) == 3 and sum(f.size_bytes for f in kept) <= 1e6
    buffer.add(frame(2000 / 30, 5_000_000))
    assert buffer.newest().size_bytes == 5_000_000, 'the newest is always kept'
    assert buffer.since(1099 / 30) == []


@pytest.mark.parametrize('count, cost, left, kept', [
    (10, 0.1, 1.0, range(10)), (10, 0.1, 0.99, (1, 3, 5, 7, 9)), (10, 0.1, 0.35, (1, 5, 9)),
    (10, 0.1, 0.05, (9,)), (10, 0.1, -1.0, (9,)), (1, 0.1, 0.0, (0,)), (0, 0.1, 1.0, ()),
    (7, 0.0, 0.0, range(7))])
def test_images_are_thinned_to_what_the_time_allows_and_the_newest_stays(count, cost, left, kept):
    frames = [frame(number) for number in range(count)]
    got = thinned(frames, cost, left)
    assert [each.stamp for each in got] == list(kept)
    assert len(got) <= 1 or len(got) * cost <= left


def test_images_that_take_longer_than_thought_are_thinned_on_the_way(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(frames_module.time, 'monotonic', lambda: now[0])
    said = []
    for each in in_time([frame(number) for number in range(100)], 2.0):
        said.append(each.stamp)
        now[0] += 0.05 if each.stamp < 10 else 0.2
    assert said[0] == 0 and said[-1] == 99 and now[0] <= 2.0 + 0.2
    assert 5 < len(said) < 30


def test_a_stamp_in_seconds():
    assert stamp_seconds(SimpleNamespace(sec=12, nanosec=250_000_000)) == 12.25
