"""Whether images arrive that count, and what is said where they do not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from siamx_ros.node import input_watch
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


def test_no_problem_while_images_come(watch, now):
    for _ in range(5):
        now.value += 0.4
        watch.arrived(now.value)
        assert problem(watch) == '' and not watch.ends_gap(now.value)


@pytest.mark.parametrize('gap, lost', [(0.9, False), (1.1, True)])
def test_a_long_gap_is_told_once_and_by_the_image_after_it(watch, now, gap, lost):
    now.value += gap
    assert problem(watch) == f'no image for {gap:.1f} s: nobody publishes'
    watch.arrived(now.value)
    assert problem(watch) == ''
    assert [watch.ends_gap(now.value), watch.ends_gap(now.value)] == [lost, False]


def test_a_new_target_does_not_suffer_from_an_old_gap(watch, now):
    now.value += 2
    watch.arrived(now.value)
    watch.forgive()
    assert not watch.ends_gap(now.value)


def test_images_that_are_too_old_count_as_none(watch, now):
    watch.config = CONFIG.replace({'max_image_age': 0.2})
    now.value += 0.6
    assert watch.is_too_old(0.3) and not CONFIG.max_image_age
    assert problem(watch) == 'no image for 0.6 s that is younger than 0.2 s (max_image_age)'
    assert not watch.is_too_old(0.1)


def test_images_that_cannot_be_read_count_as_none(watch, now):
    watch.arrived(now.value)
    assert not watch.is_stale_after(now.value)
    now.unreadable = True
    for _ in range(3):
        now.value += 0.4
        watch.arrived(now.value)
        stale = watch.is_stale_after(now.value)
    assert stale and problem(watch) == 'no readable image for 1.2 s: damaged'
    assert watch.ends_gap(now.value), 'the first one that may be read again'
    now.unreadable = False
    assert not watch.is_stale_after(now.value) and problem(watch) == ''


def test_an_image_that_turns_out_to_be_unreadable_did_not_count(watch, now):
    assert not watch.is_stale_after(now.value)
    now.value += 0.4
    watch.arrived(now.value)
    now.unreadable = True
    assert not watch.is_stale_after(now.value)
    now.value += 0.2
    assert problem(watch) == 'no readable image for 0.6 s: damaged'
