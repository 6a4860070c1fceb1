"""Where a target can be by its range: people pass before it, it hides, it is seen again."""

from __future__ import annotations

import math

import pytest

from siamx_ros.control.range_gate import ANYWHERE, LEAST_SAMPLES, LONGEST_S, USUAL, RangeGate

RATE = 20


def seen(speed: float = 0.0, seconds: float = 2.0, distance: float = 2.0) -> RangeGate:
    """A gate that has seen a target move away at a speed, up to the stamp 0."""
    gate = RangeGate()
    for number in range(-round(seconds * RATE), 1):
        gate.see(number / RATE, distance + speed * number / RATE, 0.02)
    return gate


def allows(gate: RangeGate, stamp: float, distance: float) -> bool:
    low, high = gate.bounds(stamp)
    return low <= distance <= high


@pytest.mark.parametrize('speed', [-1.5, -0.7, 0.0, 1.5])
def test_a_target_that_goes_on_or_changes_its_pace_stays_within(speed):
    """A person and a robot: up to 3 m/s^2 between two images, for a second."""
    gate, distance = seen(speed), 2.0
    for number in range(1, RATE + 1):
        speed = speed - 0.15 if distance > 2.0 else speed + 0.15
        distance += speed / RATE
        assert allows(gate, number / RATE, distance)
        gate.see(number / RATE, distance, 0.02)


@pytest.mark.parametrize('nearer', [0.5, 1.0, 1.4])
def test_who_passes_before_the_target_is_not_the_target(nearer):
    gate = seen()
    assert not any(allows(gate, number / RATE, 2.0 - nearer) for number in range(1, 8))
    assert allows(gate, 1.0, 2.0) and allows(gate, 1.0, 1.5) and allows(gate, 1.0, 3.0)
    assert not allows(gate, 1.0, 1.2) and not allows(gate, 1.0, 4.0)


def test_the_pace_of_the_last_moment_is_carried_on_for_a_short_time_only():
    low, high = seen(1.0).bounds(1.0)
    assert (low + high) / 2 == pytest.approx(
        (sum(seen(0.0).bounds(1.0)) / 2) + 0.5, abs=0.05), 'half a second of 1 m/s'


def test_after_a_long_time_it_may_be_anywhere_and_is_taken_where_it_is_seen():
    gate = seen()
    assert gate.bounds(LONGEST_S - 0.1) != ANYWHERE
    assert gate.bounds(LONGEST_S + 0.1) == ANYWHERE
    gate.see(10.0, 6.0, 0.02)
    assert allows(gate, 10.1, 6.0) and not allows(gate, 10.1, 2.0), 'nothing is left of before'


def test_without_a_range_and_with_stamps_from_before_everything_is_possible():
    assert RangeGate().bounds(0.0) == ANYWHERE
    assert seen().bounds(-5.0) == ANYWHERE
    gate = seen()
    gate.clear()
    assert gate.bounds(0.1) == ANYWHERE


def test_a_box_that_holds_others_too_is_too_large():
    gate = RangeGate()
    assert gate.fits(0.0, 9.0, 9.0), 'its size is not known'
    for _ in range(LEAST_SAMPLES):
        gate.learn(0.5, 1.7)
    gate.learn(math.nan, 1.7)
    gate.see(0.0, 2.0, 0.02)
    assert gate.fits(0.1, 0.9, 1.7) and gate.fits(0.1, 0.2, 0.8), 'arms spread, or half hidden'
    assert not gate.fits(0.1, 1.3, 1.7) and not gate.fits(0.1, 0.5, 3.0)
    assert gate.fits(2.0, 0.5, 3.0), 'who sat has risen'
    assert not gate.fits(20.0, 1.3, 1.7) and not gate.fits(20.0, 0.5, 3.5)
    assert gate.fits(0.1, math.nan, math.nan) and gate.fits(9.0, math.nan, math.nan)
    gate.clear()
    assert gate.fits(0.1, 1.3, 1.7)


def test_a_target_that_is_found_again_is_seen_whole_unless_the_image_ends():
    gate = RangeGate()
    for number in range(LEAST_SAMPLES):
        gate.learn(0.5, 1.7)
        gate.see(number / RATE, 2.0, 0.02)
    assert not gate.fits(2.0, 0.5, 0.9) and not gate.fits(20.0, 0.5, 0.9)
    assert gate.fits(2.0, 0.5, 0.9, cut=True) and gate.fits(2.0, 0.5, 1.4)


@pytest.mark.parametrize('width, height, usual', [
    (0.5, 1.7, True), (0.5 * 1.01 * USUAL, 1.7, False), (0.5 * 0.99 * USUAL, 1.7, True),
    (0.1, 1.7, True), (0.5, 1.7 * 1.01 * USUAL, False), (0.5, 1.7 * 0.99 * USUAL, True),
    (0.5, 1.7 / (1.01 * USUAL), False), (0.5, 1.7 / (0.99 * USUAL), True)])
def test_a_box_of_about_the_usual_size_holds_no_other(width, height, usual):
    gate = RangeGate()
    for _ in range(LEAST_SAMPLES - 1):
        gate.learn(0.5, 1.7)
    assert gate.usual(width, height), 'too few are known'
    gate.learn(0.0, 1.7)
    gate.learn(0.5, math.inf)
    assert gate.usual(width, height), 'those have no size'
    gate.learn(0.5, 1.7)
    assert gate.usual(width, height) == usual
