"""What a report puts side by side belongs together, and nothing of earlier ones stays beside it."""

from dataclasses import replace

import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig
from siamx_ros.data.folders import read_sequences
from siamx_ros.evaluation import plots
from siamx_ros.evaluation.campaign import Campaign, run_campaign
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.scores import mean_scores
from siamx_ros.evaluation.trackers import TrackerSpec


@pytest.fixture
def specs(monkeypatch, trackers):
    """Two trackers, both of which keep the first box."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Static())
    model = ModelConfig(weights='random', device='cpu')
    return TrackerSpec('one', 'siamx', model), TrackerSpec('two', 'siamx', model)


def test_runs_with_restarts_are_not_compared_with_those_in_one_pass(
        tmp_path, dataset, specs, capfd):
    sequences = tuple(read_sequences(dataset))
    for spec, protocol in zip(specs, ('once', 'restart')):
        run_campaign(Campaign((spec,), sequences, tmp_path, protocol=protocol))
    assert main(['report', str(tmp_path)]) == 2
    assert 'by one and by two are of different protocols' in capfd.readouterr().err
    assert main(['report', str(tmp_path), '--trackers', 'two']) == 0


def test_plots_of_an_earlier_report_go(tmp_path, dataset, specs):
    run_campaign(Campaign(specs, tuple(read_sequences(dataset)), tmp_path))
    assert main(['report', str(tmp_path)]) == 0
    assert {'speed.png', 'gains.png'} <= {path.name for path in (tmp_path / 'plots').iterdir()}
    assert main(['report', str(tmp_path), '--trackers', 'one']) == 0
    left = {path.name for path in (tmp_path / 'plots').iterdir()}
    assert left == {'success.png', 'precision.png', 'normalised_precision.png'}


def test_timelines_of_results_that_are_overwritten_go_with_them(tmp_path, dataset, specs):
    sequences = tuple(read_sequences(dataset))
    timeline = tmp_path / 'plots' / 'one' / 'moving.png'
    other = tmp_path / 'plots' / 'two' / 'moving.png'
    run_campaign(Campaign(specs, sequences, tmp_path))
    for path in (timeline, other):
        path.parent.mkdir(parents=True)
        path.touch()
    run_campaign(Campaign(specs[:1], sequences, tmp_path, overwrite=True))
    assert not timeline.exists() and other.exists()


def test_the_plotted_speed_is_that_of_the_table(tmp_path, dataset, trackers, monkeypatch):
    """Also where the target is never seen again, which no curve counts."""
    seen, gone = (run_sequence(trackers.Static(), each) for each in read_sequences(dataset))
    gone = replace(gone, truth=np.full_like(gone.truth, np.nan), seconds=gone.seconds * 9)
    runs = {name: [seen, gone] for name in ('one', 'two')}
    shown = {}
    monkeypatch.setattr(plots, 'save_figure', lambda figure, path: shown.setdefault(
        path.name, [line.get_xdata()[0] for line in figure.axes[0].lines]))
    plots.write_plots(tmp_path, runs)
    assert shown['speed.png'] == pytest.approx([mean_scores(runs['one']).speed] * 2)
