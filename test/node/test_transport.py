"""Images that are lost on the way are noticed by their stamps, and what helps is named."""

from __future__ import annotations

import numpy as np
import pytest

from siamx_ros.node.transport import (
    LARGE_BYTES, PROFILE, PROFILE_VARIABLES, lost_share, transport_problem)

FAST = 'rmw_fastrtps_cpp'


def stamps(count: int = 150, jitter: float = 0.003) -> np.ndarray:
    """Of a camera of 30 Hz."""
    return 1e9 + np.arange(count) / 30 + np.random.default_rng(0).normal(0, jitter, count)


@pytest.mark.parametrize('kept', [0.9, 0.7, 0.5])
def test_the_share_of_lost_images_is_found(kept):
    there = np.random.default_rng(1).random(150) < kept
    assert lost_share(stamps()[there]) == pytest.approx(1 - kept, abs=0.06)


def test_nothing_is_lost_of_a_steady_camera():
    assert lost_share(stamps()) < 0.01
    paused = np.concatenate([stamps(60), stamps(60) + 30.0])
    assert lost_share(paused) < 0.01, 'a pause is no loss'
    assert np.isnan(lost_share(stamps(20))) and np.isnan(lost_share([5.0] * 100))


def test_the_profile_is_named_where_it_helps(repository):
    text = transport_problem(0.53, 6_220_800, FAST, {})
    assert text.startswith('about 53% of the images did not arrive') and PROFILE in text
    assert 'images of 6.2 MB' in text and (repository / PROFILE).is_file()
    for size, middleware, environment in (
            (LARGE_BYTES - 1, FAST, {}), (6_220_800, 'rmw_cyclonedds_cpp', {}),
            (6_220_800, FAST, {PROFILE_VARIABLES[0]: 'mine.xml'})):
        text = transport_problem(0.53, size, middleware, environment)
        assert text.startswith('about 53%') and PROFILE not in text


def test_images_now_and_then_say_nothing():
    """Their gaps are no multiples of one interval."""
    gaps = np.random.default_rng(2).uniform(0.02, 0.9, 150)
    assert np.isnan(lost_share(np.cumsum(gaps)))


@pytest.mark.parametrize('share', [0.05, float('nan')])
def test_few_lost_images_are_no_problem(share):
    assert transport_problem(share, 6_220_800, FAST, {}) == ''
