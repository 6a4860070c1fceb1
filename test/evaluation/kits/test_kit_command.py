"""evaluate --benchmark: figures, result files, resuming."""

from dataclasses import replace
import json
import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.data.annotation import TEST
from siamx_ros.data.catalogue import kinds
from siamx_ros.data.sequence import Sequence, read_folder
from siamx_ros.evaluation.kits.table import KITS
from siamx_ros.evaluation.runner import Run

ARGUMENTS = ('--weights', 'random', '--device', 'cpu', '--trackers', 'siamx')
CONSTANTS = {
    'lasot': {'AUC': 20 / 21, 'P@20': 1, 'NP@0.2': 1}, 'got10k': {'AO': 1, 'SR0.5': 1, 'SR0.75': 1},
    'trackingnet': {'AUC': 1, 'P': 1, 'NP': 1}, 'otb': {'AUC': 20 / 21, 'P@20': 1},
    'uav': {'AUC': 20 / 21, 'P@20': 1}, 'votlt': {'F': 1.8 / 1.9, 'Pr': 1, 'Re': 0.9},
    '360vot': {'S_dual': 20 / 21, 'P_dual': 1, 'NP_dual': 1, 'P_angle': 1}}
FILES = {
    'lasot': 'siamx_tracking_result/moving.txt', 'got10k': 'GOT-10k/siamx/moving/moving_001.txt',
    'trackingnet': 'siamx/moving.txt', 'otb': 'siamx/moving.txt', 'uav': 'siamx/moving.txt',
    'votlt': 'siamx/longterm/moving/moving_001.txt', '360vot': 'siamx/moving.txt'}


@pytest.fixture
def sequence(dataset):
    return read_folder(dataset / 'moving')


def lay_out(root, sequence, kind):
    """Write a sequence in the layout of a benchmark."""
    offset = 1 if kind in ('lasot', 'otb', 'uav') else 0
    lines = [','.join(f'{value + (offset if i < 2 else 0):.2f}' for i, value in enumerate(box))
             for box in sequence.boxes_xywh]
    truth = '\n'.join(lines) + '\n'
    name = sequence.name
    images, text = {
        'lasot': (root / name / 'img', root / name / 'groundtruth.txt'),
        'got10k': (root / 'val' / name, root / 'val' / name / 'groundtruth.txt'),
        'trackingnet': (root / 'frames' / name, root / 'anno' / f'{name}.txt'),
        'vot': (root / name / 'color', root / name / 'groundtruth.txt'),
        'votlt': (root / name / 'color', root / name / 'groundtruth.txt'),
        'otb': (root / name / 'img', root / name / 'groundtruth_rect.txt'),
        'uav': (root / 'data_seq' / 'UAV123' / name, root / 'anno' / 'UAV123' / f'{name}.txt'),
        '360vot': (root / name / 'image', root / name / 'label.json')}[kind]
    images.mkdir(parents=True)
    text.parent.mkdir(parents=True, exist_ok=True)
    for path in sequence.frame_paths:
        (images / path.name).write_bytes(path.read_bytes())
    if kind == '360vot':
        truth = json.dumps({
            path.name: {'bbox': {'cx': x + w / 2, 'cy': y + h / 2, 'w': w, 'h': h}}
            for path, (x, y, w, h) in zip(sequence.frame_paths, sequence.boxes_xywh)})
    text.write_text(truth)
    return root


def evaluate(root, kind, out, *more):
    """Run the command; returns its status."""
    return main(['evaluate', str(root), '--benchmark', kind, *ARGUMENTS, '--out', str(out), *more])


def figures(out):
    return json.loads((out / 'official' / 'figures.json').read_text())['siamx']


@pytest.mark.parametrize('kind', CONSTANTS)
def test_an_oracle_gets_the_kits_constants(tmp_path, sequence, oracle, kind, capfd):
    root = lay_out(tmp_path / 'root', sequence, kind)
    assert evaluate(root, kind, tmp_path / 'o') == 0
    first = capfd.readouterr().out
    assert 'official figures' in first
    assert figures(tmp_path / 'o') == pytest.approx(CONSTANTS[kind])
    written = tmp_path / 'o' / 'official' / FILES[kind]
    rows = [line.split(',') for line in written.read_text().splitlines()]
    offset = 1 if kind in ('lasot', 'otb', 'uav') else 0
    assert len(rows) == 10
    np.testing.assert_allclose(
        np.array(rows[1:], float), sequence.boxes_xywh[1:] + [offset, offset, 0, 0])
    assert evaluate(root, kind, tmp_path / 'o') == 0
    assert capfd.readouterr().out == first


def test_vot_runs_with_restarts_and_writes_codes(tmp_path, sequence, static):
    root = lay_out(tmp_path / 'root', sequence, 'vot')
    assert evaluate(root, 'vot', tmp_path / 'o') == 0
    text = (tmp_path / 'o' / 'official' / 'siamx' / 'baseline' / 'moving' / 'moving_001.txt')
    lines = text.read_text().splitlines()
    assert [line for line in lines if ',' not in line] == ['1', '2', '0', '0', '0']
    assert lines[6] == '2'  # 16 wide, 3 pixels a frame: apart at 6
    assert len(text.with_name('moving_001_time.value').read_text().split()) == 10
    assert figures(tmp_path / 'o')['failures'] == 1
    assert main(['evaluate', str(root), *ARGUMENTS, '--out', str(tmp_path / 'o')]) == 2


def test_results_without_restarts_noted_are_refused(tmp_path, sequence, static, capfd):
    """As an earlier version left them: what is no column there would have to be guessed."""
    root = lay_out(tmp_path / 'root', sequence, 'vot')
    assert evaluate(root, 'vot', tmp_path / 'o') == 0
    path = tmp_path / 'o' / 'siamx' / 'moving.csv'
    path.write_text(''.join(
        line.rpartition(',')[0] + '\n' for line in path.read_text().splitlines()))
    assert evaluate(root, 'vot', tmp_path / 'o') == 2
    assert 'did not note the new starts; give another --out, or --overwrite' in (
        capfd.readouterr().err)
    assert evaluate(root, 'vot', tmp_path / 'o', '--overwrite') == 0


def test_a_long_term_result_has_confidences(tmp_path, sequence, static):
    root = lay_out(tmp_path / 'root', sequence, 'votlt')
    assert evaluate(root, 'votlt', tmp_path / 'o') == 0
    folder = tmp_path / 'o' / 'official' / 'siamx' / 'longterm' / 'moving'
    assert (folder / 'moving_001.txt').read_text().splitlines()[0] == '1'
    confidences = (folder / 'moving_001_confidence.value').read_text()
    assert confidences.splitlines()[:2] == ['nan', '1.000000']
    assert len((folder / 'moving_001_time.value').read_text().split()) == 10


def still(tmp_path, x):
    """A sequence of ten images, 100 pixels wide, and a run with its boxes."""
    cv2.imwrite(str(tmp_path / 'image.png'), np.zeros((100, 100, 3), np.uint8))
    truth = np.tile([float(x), 10, 20, 20], (10, 1))
    run = Run.empty('s', truth)
    run.boxes[:], run.confidence[:] = truth, 1
    return run, Sequence('s', (tmp_path / 'image.png',) * 10, truth, truth)


def test_long_term_overlaps_are_cut_to_the_image(tmp_path):
    run, sequence = still(tmp_path, x=80)
    run.boxes[1:, 2] = 40  # half of it outside
    assert KITS['votlt'].total([run], [sequence]) == pytest.approx(CONSTANTS['votlt'])


@pytest.mark.parametrize('kind', ['got10k', 'votlt', '360vot'])
def test_figures_are_those_of_the_boxes_that_are_written(tmp_path, kind):
    """Where there is none, that is the last one."""
    run, sequence = still(tmp_path, x=10)
    run.boxes[4:], run.confidence[4:] = np.nan, 0
    assert KITS[kind].total([run], [sequence]) == pytest.approx(CONSTANTS[kind])


@pytest.mark.parametrize('kind', ['vot', 'votlt'])
def test_images_before_the_target_is_there_may_be_anything(tmp_path, sequence, static, kind):
    root = lay_out(tmp_path / 'root', sequence, kind)
    sorted((root / 'moving' / 'color').iterdir())[0].write_bytes(b'')
    truth = root / 'moving' / 'groundtruth.txt'
    truth.write_text('\n'.join(['nan', *truth.read_text().splitlines()[1:]]) + '\n')
    assert evaluate(root, kind, tmp_path / 'o', '--timelines', '0') == 0


@pytest.mark.parametrize('kind, place', [
    ('lasot', 'siamx_tracking_result/other.txt'), ('otb', 'siamx/other.txt'),
    ('got10k', 'GOT-10k/siamx/other/other_001.txt')])
def test_official_files_are_of_the_runs_in_the_table(
        tmp_path, dataset, sequence, oracle, kind, place):
    out, official = tmp_path / 'o', tmp_path / 'o' / 'official'
    root = lay_out(tmp_path / 'root', sequence, kind)
    lay_out(root, replace(sequence, name='other'), kind)
    assert evaluate(root, kind, out, '--timelines', '0') == 0
    assert (official / place).exists()
    one = ('--sequences', 'moving', '--timelines', '0')
    assert evaluate(root, kind, out, *one) == 0
    assert (official / FILES[kind]).exists() and not (official / place).exists()
    assert list((out / 'plots').glob('*_speed_official.png'))
    assert evaluate(dataset, 'folder', out, *one) == 0
    assert not [path for path in official.rglob('*') if path.is_file()]
    assert not list((out / 'plots').glob('*_speed_official.png'))


def test_official_figures_go_with_the_results(tmp_path, sequence, oracle, monkeypatch):
    root = lay_out(tmp_path / 'root', sequence, 'otb')
    assert evaluate(root, 'otb', tmp_path / 'o') == 0
    monkeypatch.setattr('siamx_ros.evaluation.campaign.run_sequence', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(root, 'otb', tmp_path / 'o', '--overwrite')
    assert not (tmp_path / 'o' / 'official' / 'figures.json').exists()


def test_figures_of_other_trackers_are_not_drawn(tmp_path, sequence, oracle):
    root = lay_out(tmp_path / 'root', sequence, 'otb')
    assert evaluate(root, 'otb', tmp_path / 'o') == 0
    (tmp_path / 'o' / 'official' / 'figures.json').write_text('{"other": {"AUC": 0.5}}')
    assert main(['report', str(tmp_path / 'o')]) == 0
    assert not list((tmp_path / 'o' / 'plots').glob('*_speed_official.png'))


def test_sequences_among_the_official_files_are_not_deleted(tmp_path, sequence, static, capfd):
    root = lay_out(tmp_path / 'o' / 'official' / 'siamx', sequence, 'otb')
    assert evaluate(root, 'otb', tmp_path / 'o') == 2
    assert 'would replace DATA' in capfd.readouterr().err
    assert (root / 'moving' / 'groundtruth_rect.txt').exists()


def test_a_withheld_truth_gives_files_and_no_figures(tmp_path, sequence, static):
    root = lay_out(tmp_path / 'root', sequence, 'trackingnet')
    path = root / 'anno' / 'moving.txt'
    path.write_text(path.read_text().splitlines()[0] + '\n')
    assert evaluate(root, 'trackingnet', tmp_path / 'o') == 0
    assert figures(tmp_path / 'o')['AUC'] is None
    assert len((tmp_path / 'o' / 'official' / 'siamx' / 'moving.txt').read_text().split()) == 10


def test_figures_over_a_part_say_so(tmp_path, sequence, oracle, caplog):
    root = lay_out(tmp_path / 'root', sequence, 'trackingnet')
    shutil.copytree(root / 'frames' / 'moving', root / 'frames' / 'cut')
    (root / 'anno' / 'cut.txt').write_text(
        (root / 'anno' / 'moving.txt').read_text().splitlines()[0] + '\n')
    assert evaluate(root, 'trackingnet', tmp_path / 'o') == 0
    assert figures(tmp_path / 'o')['AUC'] == 1
    assert 'not in the official figures: 1 sequences with fewer boxes than images: cut' in (
        caplog.text)


def test_every_benchmark_has_a_kit():
    assert set(KITS) | {'folder'} == set(kinds(TEST))
    assert set(CONSTANTS) | {'vot'} == set(KITS)
