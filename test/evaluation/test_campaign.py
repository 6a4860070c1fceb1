"""Results on disk: resuming, refusing foreign results, the commands evaluate and report."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.data.folders import read_sequences
from siamx_ros.errors import InputError
from siamx_ros.evaluation import campaign as campaigns
from siamx_ros.evaluation import results
from siamx_ros.evaluation.campaign import Campaign, run_campaign
from siamx_ros.evaluation.report import read_results
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.tables import as_markdown, as_text, sequence_table
from siamx_ros.evaluation.trackers import TrackerSpec, variants
from siamx_ros.model.weights import load_checkpoint, save_checkpoint

RANDOM = TrackerSpec('siamx', 'siamx', ModelConfig(weights='random', device='cpu'))


@pytest.fixture
def static_specs(monkeypatch, trackers):
    """Trackers of kind siamx are static ones here; returns one specification."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Static())
    return (RANDOM,)


def evaluate(*arguments):
    return main(['evaluate', *map(str, arguments)])


def same(a, b):
    for name in ('truth', 'boxes', 'confidence', 'states', 'valid', 'seconds'):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert (a.name, a.start) == (b.name, b.start)


def test_a_run_is_read_back_exactly(tmp_path, write, trackers):
    boxes = np.array([[np.nan] * 4, [4.1, 4.25, 10.5, 9.75], [5, 4, 10, 10], [np.nan] * 4])
    sequence = read_sequences(write(tmp_path / 's', boxes))[0]
    run = run_sequence(trackers.Oracle(sequence.boxes_xywh), sequence)
    run.boxes[2] = np.array([1 / 3, np.pi, 7.1, 9.3])
    results.write_run(tmp_path / 'out', run)
    same(results.read_run(tmp_path / 'out', 's'), run)


@pytest.mark.parametrize('damage', [
    lambda text: text[:len(text) // 2],
    lambda text: text.replace('TRACKING', 'DREAMING'),
    lambda text: '\n'.join(text.splitlines()[:3] + text.splitlines()[4:]),
    lambda text: 'frame,x\n',
    lambda text: ''])
def test_damaged_results_are_refused(tmp_path, dataset, trackers, damage):
    sequence = read_sequences(dataset)[1]
    results.write_run(tmp_path, run_sequence(trackers.Static(), sequence))
    path = results.run_path(tmp_path, sequence.name)
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match='damaged'):
        results.read_run(tmp_path, sequence.name)


def test_what_is_done_is_not_run_again(tmp_path, dataset, static_specs, monkeypatch):
    sequences = tuple(read_sequences(dataset))
    first = run_campaign(Campaign(static_specs, sequences, tmp_path / 'out'))
    monkeypatch.setattr(campaigns, 'run_sequence', lambda *_: pytest.fail('ran again'))
    again = run_campaign(Campaign(static_specs, sequences, tmp_path / 'out'))
    for a, b in zip(first['siamx'], again['siamx']):
        same(a, b)


def test_an_interrupted_campaign_goes_on(tmp_path, dataset, static_specs, monkeypatch):
    sequences = tuple(read_sequences(dataset))
    whole = run_campaign(Campaign(static_specs, sequences))
    passed = []

    def interrupted(tracker, sequence, each_frame):
        if passed:
            raise KeyboardInterrupt
        passed.append(sequence.name)
        return run_sequence(tracker, sequence, each_frame)
    monkeypatch.setattr(campaigns, 'run_sequence', interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_campaign(Campaign(static_specs, sequences, tmp_path))
    assert results.list_runs(tmp_path / 'siamx') == passed == ['interrupted']
    monkeypatch.setattr(campaigns, 'run_sequence', run_sequence)
    resumed = run_campaign(Campaign(static_specs, sequences, tmp_path))
    for a, b in zip(whole['siamx'], resumed['siamx']):
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_results_of_another_configuration_are_refused(tmp_path, dataset, static_specs):
    sequences = tuple(read_sequences(dataset))
    run_campaign(Campaign(static_specs, sequences, tmp_path))
    other = TrackerSpec('siamx', 'siamx', RANDOM.model, TrackerConfig(penalty_k=0.1))
    with pytest.raises(InputError, match=r'another configuration \(different: tracking.penalty_k'):
        run_campaign(Campaign((other,), sequences, tmp_path))
    runs = run_campaign(Campaign((other,), sequences, tmp_path, overwrite=True))
    assert len(runs['siamx']) == 2
    assert results.read_fingerprint(tmp_path / 'siamx')['tracking']['penalty_k'] == 0.1


def test_results_over_other_boxes_are_refused(tmp_path, dataset, static_specs):
    run_campaign(Campaign(static_specs, tuple(read_sequences(dataset)), tmp_path / 'out'))
    truth = dataset / 'moving' / 'groundtruth.txt'
    truth.write_text(truth.read_text().replace('7.00,', '8.00,', 1))
    with pytest.raises(InputError, match='moving with other frames or boxes'):
        run_campaign(Campaign(static_specs, tuple(read_sequences(dataset)), tmp_path / 'out'))


def test_processes_give_the_same_boxes(dataset):
    sequences = tuple(read_sequences(dataset))
    alone = run_campaign(Campaign((RANDOM,), sequences, threads=1))
    together = run_campaign(Campaign((RANDOM,), sequences, jobs=2, threads=1))
    for a, b in zip(alone['siamx'], together['siamx']):
        assert a.name == b.name
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.confidence, b.confidence)


def test_variants():
    specs = variants(['siamx', 'csrt'], ['off', 'paper'], ModelConfig(), TrackerConfig())
    assert [(s.name, s.config.adaptive) for s in specs] == [
        ('siamx-off', 'off'), ('siamx-paper', 'paper'), ('csrt', 'paper')]
    assert variants(['siamx'], ['off'], ModelConfig(), TrackerConfig())[0].name == 'siamx'
    with pytest.raises(InputError, match='known: siamx, csrt, kcf, csrt-adapted'):
        variants(['siam'], ['off'], ModelConfig(), TrackerConfig())
    with pytest.raises(InputError, match='different trackers'):
        variants(['kcf', 'kcf'], ['off'], ModelConfig(), TrackerConfig())


def test_fingerprints_tell_weights_apart(tmp_path):
    prints = []
    for name in ('one', 'two'):
        path = tmp_path / f'{name}.pt'
        save_checkpoint(path, load_checkpoint('random').network, card={'name': name})
        prints.append(TrackerSpec('a', 'siamx', ModelConfig(weights=str(path))).fingerprint())
    assert prints[0] != prints[1]
    with pytest.raises(InputError, match='does not exist'):
        TrackerSpec('a', 'siamx', ModelConfig(weights='none/such.pt')).fingerprint()


def test_fingerprints_say_what_auto_means():
    """So that results of another number format are not mixed in on another machine."""
    torch_fp32 = ModelConfig(weights='random', device='cpu', runtime='torch', precision='fp32')
    by_itself = ModelConfig(weights='random', device='auto', runtime='torch')
    prints = [TrackerSpec('a', 'siamx', model).fingerprint() for model in (torch_fp32, by_itself)]
    if not torch.cuda.is_available():
        assert prints[0] == prints[1]
    assert (prints[0]['device'], prints[0]['runtime'], prints[0]['precision']) == (
        'cpu', 'torch', 'fp32')
    bf16 = TrackerSpec('a', 'siamx', torch_fp32.replace({'precision': 'bf16'})).fingerprint()
    assert bf16 != prints[0]


def test_commands_print_the_same_table_from_results(tmp_path, dataset, capfd):
    options = (dataset, '--weights', 'random', '--device', 'cpu', '--trackers', 'siamx',
               '--adaptive', 'off,paper', '--threads', '1', '--out', tmp_path / 'out')
    assert evaluate(*options) == 0
    first = capfd.readouterr().out
    assert 'siamx-off\n' in first and 'siamx-paper\n' in first and 'interrupted' in first
    assert evaluate(*options) == 0
    assert capfd.readouterr().out == first
    (dataset / 'moving' / 'groundtruth.txt').unlink()  # report needs the results only
    assert main(['report', str(tmp_path / 'out'), '--timelines']) == 0
    assert capfd.readouterr().out.strip() == first.strip().split('\n\n')[-1]
    for name in ('success', 'precision', 'normalised_precision', 'siamx-off/moving',
                 'siamx-off/moving_timeline'):
        assert (tmp_path / 'out' / 'plots' / f'{name}.png').stat().st_size > 5000
    scores = json.loads((tmp_path / 'out' / 'scores.json').read_text())
    assert scores['siamx-off']['mean']['frames'] == 16
    assert scores['siamx-off']['sequences']['moving']['valid_while_absent'] is None


def test_report_compares_common_sequences_only(tmp_path, dataset, static_specs, capfd):
    sequences = tuple(read_sequences(dataset))
    run_campaign(Campaign(static_specs, sequences, tmp_path))
    other = TrackerSpec('other', 'siamx', RANDOM.model)
    run_campaign(Campaign((other,), sequences[1:], tmp_path))
    assert main(['report', str(tmp_path)]) == 0
    assert '1 of 2 sequences of siamx are left out' in capfd.readouterr().err
    assert [run.name for run in read_results(tmp_path)['other']] == ['moving']


@pytest.mark.parametrize('arguments, sentence', [
    (['nowhere'], 'there is no folder nowhere'),
    ([__file__], 'is a file, expected a folder'),
    (['/'], 'in the layout of folder (<name>/img with <name>/groundtruth.txt)'),
    (['DATA', '--sequences', 'mooving'], "there is no sequence 'mooving'; known: interrupted"),
    (['DATA', '--sequences', ''], "--sequences takes names with commas between them, got ''"),
    (['DATA', '--trackers', 'siam'], "unknown tracker 'siam'"),
    (['DATA', '--trackers', 'siamx', '--adaptive', ''], '--adaptive takes names'),
    (['DATA', '--trackers', 'siamx', '--adaptive', 'papre'], 'adaptive must be one of off'),
    (['DATA', '--trackers', 'siamx', '--weights', 'none.pt'], 'none.pt does not exist'),
    (['DATA', '--trackers', 'siamx', '--weights', 'random', '--jobs', '0'], '--jobs')])
def test_bad_input_is_one_sentence(dataset, capfd, arguments, sentence):
    assert evaluate(*[dataset if a == 'DATA' else a for a in arguments]) == 2
    error = capfd.readouterr().err
    assert 'error: ' in error and sentence in error and 'Traceback' not in error
    assert main(['report', str(dataset)]) == 2
    assert 'holds no results' in capfd.readouterr().err
    assert main(['report', 'nowhere']) == 2
    assert 'there is no folder nowhere' in capfd.readouterr().err


def test_a_missing_opencv_tracker_says_what_to_install(dataset, capfd, monkeypatch):
    monkeypatch.delattr('cv2.TrackerCSRT', raising=False)
    assert evaluate(dataset, '--trackers', 'csrt') == 2
    assert 'opencv-contrib-python-headless' in capfd.readouterr().err


def test_tables(dataset, static_specs):
    rows = sequence_table(run_campaign(
        Campaign(static_specs, tuple(read_sequences(dataset))))['siamx'])
    assert [row[0] for row in rows] == ['sequence', 'interrupted', 'moving', 'MEAN']
    assert len({len(row) for row in rows}) == 1
    assert [row[-2] for row in rows] == ['valid-while-absent', '1.000', 'nan', '1.000']
    lines = as_text(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert as_markdown(rows).splitlines()[1].startswith('| --- | ---: |')
    assert as_markdown([['sequence'], ['a|b']]).splitlines()[2] == r'| a\|b |'


def test_no_file_is_left_half_written(tmp_path, dataset, static_specs, monkeypatch):
    def full_disk(self, *_, **__):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(Path, 'replace', full_disk)
    with pytest.raises((OSError, InputError)):
        run_campaign(Campaign(static_specs, tuple(read_sequences(dataset)), tmp_path))
    assert results.list_runs(tmp_path) == []
