"""The shipped ablation files, and comparing settings files in one command."""

import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.config import LEVEL_PAIRS, NetworkConfig, TrackerConfig
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.schemes import ADAPTIVE_SCHEMES
from siamx_ros.settings_files import read_settings_file
from siamx_ros.training.train_config import TrainConfig

TABLE_III = [{'L4xL4'}, {'L4xL3'}, {'L3xL4'}, {'L3xL3'}, {'L4xL3', 'L3xL4'}, {'L4xL4', 'L4xL3'},
             {'L4xL4', 'L3xL4'}, {'L4xL4', 'L3xL3'}, set(LEVEL_PAIRS), set(LEVEL_PAIRS[:3])]


WITHOUT_EXTENSIONS = {
    'online_weight': 0.0, 'box_correction': 0.0, 'course_spread': 0.0, 'backward_every': 0,
    'follow_roll': False, 'steady_size': 255, 'heat_map_inhibit': False, 'follow_threshold': 0.85,
    'size_lr': 0.765, 'reported_share': 0.0, 'n_doubt': 0, 'n_flow': 0, 'unbroken_margin': 0.0}


def test_every_adaptive_scheme_has_a_file_of_the_papers_tracker(repository):
    folder = repository / 'config' / 'ablation'
    for scheme in ADAPTIVE_SCHEMES:
        expected = {'adaptive': scheme, **WITHOUT_EXTENSIONS}
        assert read_settings_file(folder / f'{scheme}.yaml')[0] == {'tracking': expected}
    assert {path.stem for path in folder.glob('*.yaml')} == {*ADAPTIVE_SCHEMES, 'default'}


def test_the_default_is_what_is_shipped(repository):
    given = read_settings_file(repository / 'config' / 'ablation' / 'default.yaml')[0]['tracking']
    assert TrackerConfig().replace(given) == TrackerConfig()
    assert all(getattr(TrackerConfig(), name) != value
               for name, value in WITHOUT_EXTENSIONS.items())


def test_every_row_of_table_iii_has_a_file(repository):
    base = TrainConfig(network=NetworkConfig.light())
    found = [base.replace(read_settings_file(path)[0]).network.level_pairs
             for path in (repository / 'config' / 'ablation' / 'correlation').glob('*.yaml')]
    assert sorted(map(sorted, found)) == sorted(map(sorted, TABLE_III))
    assert LEVEL_PAIRS[:3] in found  # in the order of the network


def test_settings_files_are_compared_by_name(tmp_path, dataset, repository, trackers, monkeypatch,
                                             capfd):
    seen = {}

    def build(spec):
        seen[spec.name] = spec.config.adaptive, spec.config.penalty_k
        return trackers.Static()
    monkeypatch.setattr(TrackerSpec, 'build', build)
    files = [str(repository / 'config' / 'ablation' / f'{name}.yaml') for name in ('off', 'global')]
    command = ['evaluate', str(dataset), '--weights', 'random', '--trackers', 'siamx']
    assert main([*command, '--variants', *files, '--tracking.penalty_k', '0.1', '--out',
                 str(tmp_path)]) == 0
    assert seen == {'off': ('off', 0.1), 'global': ('global', 0.1)}
    assert capfd.readouterr().out.splitlines()[-2].split()[0] == 'off'
    for name in ('speed', 'gains'):
        assert (tmp_path / 'plots' / f'{name}.png').stat().st_size > 5000
    assert main([*command, '--variants', files[0], files[0]]) == 2
    assert 'different trackers' in capfd.readouterr().err
    assert main([*command, '--variants', files[0], '--adaptive', 'off']) == 2
    assert 'not both' in capfd.readouterr().err


def test_gains_are_against_the_first(dataset, trackers, tmp_path, monkeypatch):
    from siamx_ros.data.folders import read_sequences
    from siamx_ros.evaluation import plots
    from siamx_ros.evaluation.runner import run_sequence
    sequences = read_sequences(dataset)
    runs = {'static': [run_sequence(trackers.Static(), each) for each in sequences],
            'oracle': [run_sequence(trackers.Oracle(each.boxes_xywh), each) for each in sequences]}
    heights = []
    monkeypatch.setattr(plots, 'save_figure', lambda figure, path: heights.extend(
        bar.get_height() for bar in figure.axes[0].patches))
    plots._gains(tmp_path / 'g.png', runs)
    expected = [20 / 21 - plots.success_of(run).mean() for run in runs['static']]
    np.testing.assert_allclose(heights, expected)
    assert pytest.approx(20 / 21) == plots.success_of(runs['oracle'][0]).mean()
