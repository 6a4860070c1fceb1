"""Panels and a follower beside the tracker of a test."""

from __future__ import annotations

from typing import Any

from panel_rig import FollowerProcess, PanelProcess
import pytest


@pytest.fixture(scope='module')
def make_panel(repository):
    """Starts panels: make_panel(namespace, **parameters)."""
    panels = []

    def make(namespace: str, **parameters: Any) -> PanelProcess:
        panels.append(PanelProcess(repository, namespace, **parameters))
        return panels[-1]
    yield make
    for panel in panels:
        panel.close()


@pytest.fixture(scope='module')
def follower(shared, tmp_path_factory):
    """The follower beside the module's tracker; the robot is nobody."""
    with FollowerProcess(tmp_path_factory.mktemp('follower'), shared) as process:
        assert process.is_enabled(False)
        yield process
