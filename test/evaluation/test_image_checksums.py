"""Results over other images of the same names and boxes: neither read back nor compared."""

import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig
from siamx_ros.data.folders import read_sequences
from siamx_ros.data.inexact import with_inexact_starts
from siamx_ros.errors import InputError
from siamx_ros.evaluation import results
from siamx_ros.evaluation.campaign import Campaign, run_campaign
from siamx_ros.evaluation.trackers import TrackerSpec

RANDOM = TrackerSpec('siamx', 'siamx', ModelConfig(weights='random', device='cpu'))
OTHER = TrackerSpec('other', 'siamx', RANDOM.model)
pytestmark = pytest.mark.usefixtures('static')


def run_over(data, out, *specs, **more):
    return run_campaign(Campaign(specs, tuple(read_sequences(data)), out, **more))


def number(data, index):
    return data / 'moving' / 'img' / f'{index:08d}.png'


def as_bmp(data):
    for path in (data / 'moving' / 'img').glob('*.png'):
        cv2.imwrite(str(path.with_suffix('.bmp')), cv2.imread(str(path)))
        path.unlink()


def other_size(data):
    cv2.imwrite(str(number(data, 5)), np.zeros((48, 64, 3), np.uint8))


def other_name(data):
    number(data, 10).rename(number(data, 11))


def inverted(index):
    """A change of what one BMP holds that leaves its size."""
    def change(data):
        path = number(data, index).with_suffix('.bmp')
        before = path.stat().st_size
        cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
        assert path.stat().st_size == before
    return change


@pytest.mark.parametrize('change', [other_size, other_name])
def test_results_over_other_files_are_refused(tmp_path, dataset, change):
    run_over(dataset, tmp_path / 'out', RANDOM)
    change(dataset)
    with pytest.raises(InputError, match='siamx holds results of moving with other images; give'):
        run_over(dataset, tmp_path / 'out', RANDOM)
    run_over(dataset, tmp_path / 'out', RANDOM, overwrite=True)
    run_over(dataset, tmp_path / 'out', RANDOM)


@pytest.mark.parametrize('index, seen', [(1, True), (10, True), (5, False)])
def test_of_files_of_one_size_the_first_and_the_last_are_looked_at(tmp_path, dataset, index, seen):
    as_bmp(dataset)
    run_over(dataset, tmp_path / 'out', RANDOM)
    inverted(index)(dataset)
    if seen:
        with pytest.raises(InputError, match='moving with other images'):
            run_over(dataset, tmp_path / 'out', RANDOM)
    else:
        run_over(dataset, tmp_path / 'out', RANDOM)


def test_images_may_be_moved_and_start_inexactly(tmp_path, dataset):
    shutil.copytree(dataset, tmp_path / 'copy')
    for data in (dataset, tmp_path / 'copy'):
        sequences = tuple(with_inexact_starts(read_sequences(data), 2))
        run_campaign(Campaign((RANDOM,), sequences, tmp_path / 'out'))
    kept = {path.name: path.read_text() for path in (tmp_path / 'out' / 'siamx').glob('*.images')}
    assert set(kept) == {f'{name}~{start}.images' for name in ('moving', 'interrupted')
                         for start in (1, 2)}
    assert kept['moving~1.images'] == kept['moving~2.images'] != kept['interrupted~1.images']


def test_results_without_a_checksum_are_read(tmp_path, dataset, capfd):
    """Those of earlier versions."""
    run_over(dataset, tmp_path / 'out', RANDOM, OTHER)
    for path in (tmp_path / 'out' / 'siamx').glob('*.images'):
        path.unlink()
    other_size(dataset)
    assert len(run_over(dataset, tmp_path / 'out', RANDOM)['siamx']) == 2
    assert main(['report', str(tmp_path / 'out')]) == 0


def test_an_image_that_is_gone_ends_nothing_but_its_sequence(tmp_path, dataset):
    link = dataset / 'moving' / 'img' / '00000010.png'
    link.unlink()
    link.symlink_to('nowhere.png')
    runs = run_over(dataset, tmp_path / 'out', RANDOM)
    assert [run.name for run in runs['siamx']] == ['interrupted']


def refused_report(folder, capfd, *options):
    assert main(['report', str(folder), *options]) == 2
    captured = capfd.readouterr()
    assert captured.out == '' and not (folder / 'report.md').exists()
    return captured.err


def test_a_report_compares_no_other_boxes(tmp_path, dataset, capfd):
    run_over(dataset, tmp_path / 'out', RANDOM)
    truth = dataset / 'moving' / 'groundtruth.txt'
    truth.write_text(truth.read_text().replace('7.00,', '8.00,', 1))
    run_over(dataset, tmp_path / 'out', OTHER)
    assert 'the results of moving by other and by siamx are of different frames or boxes and' in (
        refused_report(tmp_path / 'out', capfd))
    assert main(['report', str(tmp_path / 'out'), '--trackers', 'siamx']) == 0


def test_a_report_compares_no_other_images(tmp_path, dataset, capfd):
    third = TrackerSpec('third', 'siamx', RANDOM.model)
    run_over(dataset, tmp_path / 'out', OTHER, RANDOM)
    other_size(dataset)
    run_over(dataset, tmp_path / 'out', third)
    (tmp_path / 'out' / 'other' / 'moving.images').unlink()  # of an earlier version
    assert 'the results of moving by siamx and by third are of different images and' in (
        refused_report(tmp_path / 'out', capfd))


def test_a_report_compares_nothing_cut_short(tmp_path, dataset, capfd):
    run_over(dataset, tmp_path / 'out', OTHER, RANDOM)
    path = results.run_path(tmp_path / 'out' / 'siamx', 'interrupted')
    path.write_text(''.join(path.read_text().splitlines(keepends=True)[:-3]))
    assert 'the results of interrupted by other and by siamx are of different frames or boxes' in (
        refused_report(tmp_path / 'out', capfd))
    path.unlink()  # now only the other sequence is common
    assert main(['report', str(tmp_path / 'out')]) == 0
