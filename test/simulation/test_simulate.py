"""Sequences of simulated worlds: what a robot sees that knows where its target is."""

from __future__ import annotations

from pathlib import Path
import sys

import numpy as np
import pytest

from siamx_ros import imaging
from siamx_ros.cli import main
from siamx_ros.data.folders import read_sequences
from siamx_ros.simulation.frame import CameraConfig, CameraFrame
from siamx_ros.simulation.people import Walk
from siamx_ros.simulation.true_pilot import SHOWN, TruePilot, true_box
from siamx_ros.simulation.world import World

pytest.importorskip('panda3d', reason='panda3d is not installed')
SECONDS, IMAGES = 1.5, 29
"""Length, and what has arrived by then of 20 images a second."""


def simulate(out: Path, *options: str) -> int:
    return main(['simulate', '--out', str(out), *options])


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Path:
    """Two short worlds."""
    out = tmp_path_factory.mktemp('simulated') / 'out'
    assert simulate(out, '--worlds', '3', '5', '--seconds', str(SECONDS)) == 0
    return out


def test_each_world_is_a_sequence_that_evaluate_reads(made: Path) -> None:
    sequences = read_sequences(made)
    assert [s.name for s in sequences] == ['world_03', 'world_05']
    for sequence in sequences:
        assert len(sequence.frame_paths) == IMAGES
        assert sequence.visible.all()
        height, width = imaging.read_image(sequence.frame_paths[0]).shape[:2]
        x, y, w, h = sequence.boxes_xywh.T
        assert ((x >= 0) & (y >= 0) & (x + w <= width) & (y + h <= height)).all()
        assert (h > 2 * w).all() and (h > height / 3).all()


def test_the_same_world_gives_the_same_images(made: Path, tmp_path: Path) -> None:
    assert simulate(tmp_path / 'again', '--worlds', '3', '--seconds', str(SECONDS)) == 0
    for path in sorted((made / 'world_03').rglob('*.*')):
        again = tmp_path / 'again' / path.relative_to(made)
        assert again.read_bytes() == path.read_bytes(), path


def test_the_robot_follows_its_target(world: World) -> None:
    """Twelve seconds: it keeps it in view and moves."""
    from siamx_ros.simulation.camera import SimulatedCamera
    from siamx_ros.simulation.episode import Episode
    camera, shares = SimulatedCamera(world), []
    try:
        Episode(world, camera, TruePilot(lambda frame: shares.append(
            frame.visible_share))).run(12.0)
    finally:
        camera.close()
    assert np.mean(np.array(shares) > 0.25) > 0.9
    assert world.base.travelled > 1.0 and not world.collisions
    assert 0.8 < world.gap < 4.0


def test_what_it_says_of_an_image_was_true_when_the_image_was_taken(world: World) -> None:
    """However late it says so."""
    from siamx_ros.simulation.camera import SimulatedCamera
    from siamx_ros.simulation.episode import Episode
    step, truth = world.step, {}

    def noted() -> None:
        step()
        truth[round(world.now_s, 2)] = (
            world.base.pose.bearing_to(*world.target.point), world.gap)
    world.step = noted
    world.target.legs = [Walk((world.target.x - 2.0, world.target.y), 1.0)]
    camera = SimulatedCamera(world, CameraConfig(delay=0.2))
    try:
        moments = Episode(world, camera, TruePilot()).run(3.0)
    finally:
        camera.close()
    valid = [m for m in moments if m.report.valid]
    for moment in valid:
        report = moment.report
        assert (report.bearing, report.range_m) == pytest.approx(
            truth[round(report.stamp_s, 2)], abs=1e-9)
    assert len(valid) > 50 and max(abs(m.bearing - m.report.bearing) for m in valid) > 0.03


def test_a_target_that_hardly_shows_has_no_box() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[4:10, 6:9] = 1

    def box(share: float) -> np.ndarray:
        return true_box(CameraFrame(0.0, np.zeros((40, 60, 3), np.uint8), mask, mask, share))
    assert box(SHOWN).tolist() == [12, 8, 6, 12]
    assert np.isnan(box(SHOWN / 2)).all()


@pytest.mark.parametrize('options, sentence', [
    (['--worlds', '1', '1'], '--worlds must be different seeds of at least 0, got [1, 1]'),
    (['--worlds', '-1'], '--worlds must be different seeds of at least 0, got [-1]'),
    (['--seconds', '0.5'], '--seconds must be 1 to 600, got 0.5'),
    (['--seconds', 'nan'], '--seconds must be 1 to 600, got nan')])
def test_what_makes_no_sequence_is_refused(tmp_path, capsys, options, sentence) -> None:
    assert simulate(tmp_path / 'out', *options) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / 'out').exists()


def test_a_folder_that_exists_is_kept(made: Path, capsys) -> None:
    assert simulate(made) == 2
    assert 'exists already' in capsys.readouterr().err
    assert len(list(made.iterdir())) == 2


def test_without_a_renderer_nothing_is_left_behind(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'siamx_ros.simulation.renderer', None)
    assert simulate(tmp_path / 'out') == 2
    assert 'pip install panda3d' in capsys.readouterr().err and not (tmp_path / 'out').exists()
