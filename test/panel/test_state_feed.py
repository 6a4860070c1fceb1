"""The state that the page shows: unknown is None, silence is shown, nothing piles up."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import pytest

from siamx_ros.panel.state_feed import OFFLINE, StateFeed, box_values


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def target(**fields) -> SimpleNamespace:
    position = SimpleNamespace(x=60.0, y=40.0)
    box = SimpleNamespace(center=SimpleNamespace(position=position), size_x=20.0, size_y=30.0)
    values = {'target_id': '1', 'state': 2, 'valid': True, 'box_source': 1, 'bbox': box,
              'confidence': 0.875, 'range': 2.0, 'range_stddev': 0.1, 'bearing': math.nan}
    header = SimpleNamespace(stamp=SimpleNamespace(sec=99, nanosec=900_000_000))
    return SimpleNamespace(header=header, **{**values, **fields})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(clock) -> StateFeed:
    return StateFeed(clock, clock)


def test_before_anything_is_heard(feed):
    now = feed.snapshot()
    assert now['state'] == OFFLINE and now['confidence'] is None and now['follower'] is None
    json.dumps(now, allow_nan=False)


def test_measured_values(feed, clock):
    feed.on_target(target())
    clock.now += 0.1
    now = feed.snapshot()
    assert (now['state'], now['confidence'], now['range']) == ('TRACKING', 0.875, 2.0)
    assert now['bearing'] is None, 'NaN is not known'
    assert now['age'] == pytest.approx(0.2)
    assert feed.snapshot()['rate'] == 0.5
    json.dumps(now, allow_nan=False)


def test_the_age_grows_and_silence_is_shown(feed, clock):
    feed.on_target(target())
    clock.now += 1.0
    assert feed.snapshot()['age'] == pytest.approx(1.1)
    clock.now += 2.0
    now = feed.snapshot()
    assert now['state'] == OFFLINE and now['confidence'] is None and now['rate'] == 0
    feed.on_status(SimpleNamespace(state=6, message='no images'))
    now = feed.snapshot()
    assert (now['state'], now['reason']) == ('INPUT_STALE', 'no images')


def test_no_confidence_without_a_target(feed):
    feed.on_target(target(target_id='', state=0, valid=False, box_source=0, confidence=0.0))
    assert feed.snapshot()['confidence'] is None


def test_the_last_minute_is_kept_and_no_more(feed, clock):
    for _ in range(1000):
        clock.now += 0.25
        feed.on_target(target())
        feed.sample()
    kept = feed.history()
    assert len(kept) == 241
    assert kept[-1]['time'] - kept[0]['time'] == pytest.approx(60.0)
    assert kept[-1]['rate'] == pytest.approx(4.5, abs=0.6)
    assert len(feed._arrivals) < 12


def test_boxes(feed):
    assert box_values(target())['xywh'] == [50.0, 25.0, 20.0, 30.0]
    assert box_values(target())['measured'] and not box_values(target(box_source=2))['measured']
    assert box_values(None) is None and box_values(target(box_source=0)) is None
    broken = target()
    broken.bbox.size_x = math.nan
    assert box_values(broken) is None


def test_states_of_another_version_are_errors(feed):
    feed.on_target(target(state=99))
    assert feed.snapshot()['state'] == 'ERROR'
    feed.on_follower(SimpleNamespace(enabled=True, state=99, message='new'))
    assert feed.snapshot()['follower']['state'] == 'STANDING'


def test_the_follower_is_shown_until_it_falls_silent(feed, clock):
    feed.on_follower(SimpleNamespace(enabled=True, state=0, message='the range is not known'))
    assert feed.snapshot()['follower'] == {
        'enabled': True, 'state': 'STANDING', 'reason': 'the range is not known'}
    clock.now += 3.0
    assert feed.snapshot()['follower'] is None
