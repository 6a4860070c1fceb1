"""Overlap and confidence over time below images with the searched windows; EAO over speed."""

from dataclasses import replace
import json
import os

import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.evaluation import plots, results
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.timelines import changeful, chosen_frames, draw_frame, timeline
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.geometry import CropWindow
from siamx_ros.imaging import read_image
from siamx_ros.records import TrackResult, TrackState


class Searching:
    """Keeps the first box, says LOST from the fourth image on, and searches one window."""

    def init(self, image, box, stamp=None):
        self.box, self.count = box, 0
        return TrackResult(box, 1.0, TrackState.TRACKING, valid=True)

    def update(self, image, stamp=None):
        self.count += 1
        lost = self.count >= 3
        return TrackResult(
            self.box, 0.25, TrackState.LOST if lost else TrackState.TRACKING, valid=not lost,
            windows=(CropWindow(32.5, 24.0, 30.0, 255), CropWindow(10.0, 12.0, 20.0, 255)))

    def close(self):
        pass


def test_windows_are_kept_and_read_back(tmp_path, sequence):
    run = run_sequence(Searching(), sequence)
    assert run.windows[0] == () and run.windows[5] == ((32.5, 24.0, 30.0), (10.0, 12.0, 20.0))
    results.write_run(tmp_path, run)
    assert results.read_run(tmp_path, run.name).windows == run.windows
    path = results.run_path(tmp_path, run.name)
    path.write_text('\n'.join(line.rpartition(',')[0] for line in path.read_text().splitlines()))
    assert not any(results.read_run(tmp_path, run.name).windows)  # of an older version


def test_windows_are_drawn_where_they_were_searched(sequence):
    run = run_sequence(Searching(), sequence)
    image = read_image(sequence.frame_paths[6])
    before, drawn = draw_frame(run, 0, image), draw_frame(run, 6, image)
    column = (drawn != before).any(2)[14:34, 46:49].any()  # right edge: 32.5 + 15
    assert column and (drawn != image).any()


def test_frames_that_tell_the_story_are_chosen(sequence, trackers):
    run = run_sequence(trackers.Oracle(sequence.boxes_xywh), sequence)
    chosen = chosen_frames(run)  # absent, and so lost, on 4 and 5; back on 6
    assert len(chosen) == 4 and {0, 4, 6} < set(chosen)
    assert changeful([run_sequence(trackers.Static(), sequence), run], 1) == [1]


def test_frames_that_the_tracker_never_saw_are_not_chosen(sequence, trackers):
    run = run_sequence(trackers.Oracle(sequence.boxes_xywh), sequence)
    states = run.states.copy()
    states[[0, 1, 5, *range(9, len(states))]] = TrackState.UNINITIALISED
    chosen = chosen_frames(replace(run, states=states))
    assert len(chosen) == 4 and set(chosen) <= {2, 3, 4, 6, 7, 8} and chosen[0] == 2


def test_one_command_draws_them(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: Searching())
    command = ['evaluate', str(dataset), '--weights', 'random', '--trackers', 'siamx', '--adaptive',
               'off,paper', '--out', str(tmp_path / 'out'), '--timelines', '1']
    assert main(command) == 0
    drawn = sorted((tmp_path / 'out' / 'plots').glob('*/*.png'))
    assert [path.parent.name for path in drawn] == ['siamx-off', 'siamx-paper']
    assert all(path.stat().st_size > 20000 for path in drawn)
    assert read_image(drawn[0]).shape[1] > 1000


@pytest.mark.parametrize('name', ['a$b^$c', r'$\frac$', 'one$', os.fsdecode(b'caf\xe9')])
def test_names_are_no_formulas(tmp_path, sequence, name):
    run = run_sequence(Searching(), sequence)
    assert timeline(tmp_path / 'a.png', replace(run, name=name)).stat().st_size > 5000


def test_eao_over_speed(tmp_path, write, trackers, monkeypatch):
    """--benchmark vot reads these folders, too; of perfect trackers the EAO is 1."""
    boxes = np.array([[4 + 0.5 * i, 10, 16, 12] for i in range(60)])
    write(tmp_path / 'data' / 'long', boxes)
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Oracle(boxes))
    points = {}

    def save(figure, path):
        points[path.name] = [(line.get_label(), *line.get_ydata()) for line in figure.axes[0].lines]
        return path
    monkeypatch.setattr(plots, 'save_figure', save)
    out = tmp_path / 'out'
    assert main(['evaluate', str(tmp_path / 'data'), '--benchmark', 'vot', '--weights', 'random',
                 '--trackers', 'siamx', '--adaptive', 'off,paper', '--timelines', '0', '--out',
                 str(out)]) == 0
    assert json.loads((out / 'official' / 'figures.json').read_text())['siamx-off']['EAO'] == \
        pytest.approx(1)
    wanted = [('siamx-off', pytest.approx(1)), ('siamx-paper', pytest.approx(1))]
    assert points.pop('eao_speed_official.png') == wanted
    points.clear()
    assert main(['report', str(out)]) == 0
    assert points['eao_speed_official.png'] == wanted
