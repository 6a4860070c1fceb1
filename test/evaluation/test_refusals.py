"""What a campaign refuses: whole, before anything is deleted, or one sequence of several."""

import json
import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig
from siamx_ros.data.folders import read_sequences
from siamx_ros.errors import InputError
from siamx_ros.evaluation import results
from siamx_ros.evaluation.campaign import Campaign, run_campaign
from siamx_ros.evaluation.kits.restarts import run_with_restarts
from siamx_ros.evaluation.runner import SequenceError, run_sequence
from siamx_ros.evaluation.trackers import TrackerSpec, check_names

RANDOM = TrackerSpec('siamx', 'siamx', ModelConfig(weights='random', device='cpu'))
OPTIONS = ('--weights', 'random', '--device', 'cpu', '--threads', '1', '--trackers', 'siamx')


@pytest.fixture
def outside(dataset, write):
    """A third sequence, whose first box lies more than half outside."""
    boxes = np.array([[56.0, 10, 20, 12], [40, 10, 20, 12], [38, 10, 20, 12]])
    write(dataset / 'outside', boxes)
    return dataset


def evaluate(*arguments):
    return main(['evaluate', *map(str, arguments)])


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


def test_overwrite_deletes_nothing_for_a_run_that_cannot_start(tmp_path, dataset, static, capfd):
    out = tmp_path / 'out'
    assert evaluate(dataset, *OPTIONS, '--out', out) == 0
    before = files(out)
    assert evaluate(dataset, *OPTIONS, '--out', out, '--overwrite', '--weights', 'nope') == 2
    assert 'nope' in capfd.readouterr().err
    assert files(out) == before


def test_overwrite_deletes_all_or_nothing(tmp_path, dataset, static):
    sequences = tuple(read_sequences(dataset))
    other = TrackerSpec('thesis', 'siamx', RANDOM.model)
    run_campaign(Campaign((RANDOM,), sequences, tmp_path))
    (tmp_path / 'thesis').mkdir()
    before = files(tmp_path / 'siamx')
    with pytest.raises(InputError, match='thesis is no results folder'):
        run_campaign(Campaign((RANDOM, other), sequences, tmp_path, overwrite=True))
    assert files(tmp_path / 'siamx') == before


def test_results_are_whole_before_anything_is_printed(tmp_path, dataset, monkeypatch):
    """Who reads the tables may go before their end."""
    def gone(runs):
        raise InputError('nobody reads')
    monkeypatch.setattr('siamx_ros.commands.evaluate._print_tables', gone)
    assert evaluate(dataset, *OPTIONS, '--out', tmp_path / 'out') == 2
    assert {'report.md', 'scores.json', 'plots'} <= set(files(tmp_path / 'out'))


@pytest.mark.parametrize('jobs', [1, 2])
def test_a_refused_sequence_is_left_out_and_named(outside, capfd, jobs, tmp_path):
    arguments = (outside, *OPTIONS, '--out', tmp_path / 'out', '--jobs', jobs)
    for _ in range(2):  # again from the results that were kept
        assert evaluate(*arguments) == 1
        out, err = capfd.readouterr()
        assert [line.split()[0] for line in out.splitlines()[2:5]] == [
            'interrupted', 'moving', 'MEAN']
        assert 'left out of all tables, for the reasons above: outside' in err
        assert 'Traceback' not in err
    assert results.list_runs(tmp_path / 'out' / 'siamx') == ['interrupted', 'moving']


def test_the_log_says_why_a_sequence_is_left_out(outside, caplog):
    runs = run_campaign(Campaign((RANDOM,), tuple(read_sequences(outside)), threads=1))
    assert [run.name for run in runs['siamx']] == ['interrupted', 'moving']
    assert caplog.messages == [
        'left out: sequence outside, frame 0: box 56,10,20,12 must lie at least half inside the '
        'image of 64x48 pixels']


def test_official_figures_are_of_the_sequences_that_were_run(outside, tmp_path, capfd):
    (outside / 'moving' / 'img' / '00000004.png').write_bytes(b'')
    assert evaluate(outside, *OPTIONS, '--benchmark', 'lasot', '--out', tmp_path / 'out') == 1
    written = tmp_path / 'out' / 'official' / 'siamx_tracking_result'
    assert files(written) == ['interrupted.txt']
    assert 'left out of all tables, for the reasons above: moving, outside' in (
        capfd.readouterr().err)


def test_without_any_sequence_left_the_first_refusal_is_reported(outside, capfd):
    for name in ('moving', 'interrupted'):
        shutil.rmtree(outside / name)
    assert evaluate(outside, *OPTIONS) == 2
    assert 'error: sequence outside, frame 0: box' in capfd.readouterr().err


def test_one_tracker_that_refuses_leaves_a_sequence_out_for_all(outside, monkeypatch, trackers):
    build = TrackerSpec.build
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: (
        trackers.Static() if self.name == 'other' else build(self)))
    other = TrackerSpec('other', 'siamx', RANDOM.model)
    runs = run_campaign(Campaign((other, RANDOM), tuple(read_sequences(outside)), threads=1))
    for each in runs.values():
        assert [run.name for run in each] == ['interrupted', 'moving']


@pytest.mark.parametrize('run', [run_sequence, run_with_restarts])
def test_an_image_of_another_size_is_named(dataset, run):
    path = dataset / 'moving' / 'img' / '00000004.png'
    cv2.imwrite(str(path), np.zeros((50, 60, 3), np.uint8))
    sequence = read_sequences(dataset / 'moving')[0]
    with pytest.raises(SequenceError, match='sequence moving, frame 3: the image is 60x50 pixels'):
        run(RANDOM.build(), sequence)


@pytest.mark.parametrize('options, sentence', [
    (('--benchmark', 'vot', '--overwrite'), "names the sequence 'moving' more than once"),
    (('--sequences', 'moving,interrupted,moving'), "'moving' is named more than once")])
def test_a_sequence_counts_once(dataset, tmp_path, static, capfd, options, sentence):
    (dataset / 'list.txt').write_text('moving\nmoving\n')
    assert evaluate(dataset, *OPTIONS, '--out', tmp_path / 'out') == 0
    before = files(tmp_path)
    assert evaluate(dataset, *OPTIONS, '--out', tmp_path / 'out', *options) == 2
    assert sentence in capfd.readouterr().err
    assert files(tmp_path) == before


def test_fingerprints_hold_the_versions_that_decide(monkeypatch):
    torch_only = RANDOM.model.replace({'runtime': 'torch'})
    kept = TrackerSpec('a', 'siamx', torch_only).fingerprint()
    assert {'opencv', 'torch', 'siamx_ros'} <= set(kept) and 'openvino' not in kept
    monkeypatch.setattr('torch.__version__', '9.9')
    assert TrackerSpec('a', 'siamx', torch_only).fingerprint() == {**kept, 'torch': '9.9'}
    openvino = pytest.importorskip('openvino')
    kept = TrackerSpec('a', 'siamx', RANDOM.model.replace({'runtime': 'openvino'})).fingerprint()
    assert kept['openvino'] == openvino.get_version() and kept['torch'] == '9.9'


def test_results_without_an_earlier_start_are_refused(tmp_path, dataset, static):
    """Boxes were added since, before the frame on which the kept run began."""
    truth = dataset / 'moving' / 'groundtruth.txt'
    whole = truth.read_text()
    truth.write_text('\n'.join(['nan,nan,nan,nan', *whole.splitlines()[1:]]) + '\n')
    run_campaign(Campaign((RANDOM,), tuple(read_sequences(dataset)), tmp_path / 'out'))
    run_campaign(Campaign((RANDOM,), tuple(read_sequences(dataset)), tmp_path / 'out'))
    truth.write_text(whole)
    with pytest.raises(InputError, match='moving with other frames or boxes'):
        run_campaign(Campaign((RANDOM,), tuple(read_sequences(dataset)), tmp_path / 'out'))


@pytest.mark.parametrize('name', ['official', 'plots', '.', '..'])
def test_trackers_have_folders_of_their_own(name):
    with pytest.raises(InputError, match='a tracker cannot be named'):
        check_names([RANDOM, TrackerSpec(name, 'siamx', RANDOM.model)])


def test_results_of_other_versions_are_refused(tmp_path, dataset, static):
    sequences = tuple(read_sequences(dataset))
    run_campaign(Campaign((RANDOM,), sequences, tmp_path))
    path = tmp_path / 'siamx' / results.FINGERPRINT
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, 'torch': '0.1', 'opencv': '0.2'}))
    with pytest.raises(InputError, match=r'\(different: opencv, torch\); give another --out'):
        run_campaign(Campaign((RANDOM,), sequences, tmp_path))
    del kept['torch'], kept['opencv']
    path.write_text(json.dumps(kept))
    with pytest.raises(InputError, match=(
            r'\(different: opencv is not noted there, torch is not noted there\); give another')):
        run_campaign(Campaign((RANDOM,), sequences, tmp_path))
