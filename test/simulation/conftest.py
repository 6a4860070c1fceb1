"""A world for the tests of this folder."""

from __future__ import annotations

import pytest

from siamx_ros.simulation.scenario import build_world
from siamx_ros.simulation.world import World


@pytest.fixture
def world() -> World:
    """A world of its own at its start."""
    return build_world(3)
