"""One results folder and two replays that want it, or one that fails or is ended."""

import os
import resource
import signal

from bag_command import RANDOM, evaluate, summary
import cv2
import pytest

from siamx_ros.cli import ENDING
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import evaluation, film
from siamx_ros.evaluation.bag.folder import results_folder
from siamx_ros.evaluation.trackers import TrackerSpec


@pytest.mark.parametrize('earlier', [False, True])
def test_a_folder_that_another_replay_writes_into(tmp_path, bag, static, capfd, earlier):
    """The second is refused, and the first is not disturbed."""
    out = tmp_path / 'out'
    if earlier:
        assert evaluate(bag, *RANDOM, '--out', out) == 0
    with results_folder(out, overwrite=True) as place:
        (place / 'summary.json').write_text('the first')
        assert evaluate(bag, *RANDOM, '--out', out, '--overwrite') == 2
        assert f'another process is writing its results into {out}' in capfd.readouterr().err
        assert (place / 'summary.json').read_text() == 'the first'
    assert (out / 'summary.json').read_text() == 'the first'
    assert [path.name for path in out.iterdir()] == ['summary.json']
    assert evaluate(bag, *RANDOM, '--out', out, '--overwrite') == 0
    assert summary(out)['bag']['name'] == 'walk'


@pytest.fixture
def heeded(number):
    """A signal that ends a process, also where the tests run under nohup."""
    before = signal.signal(number, signal.SIG_DFL)
    yield number
    signal.signal(number, before)


@pytest.mark.parametrize('number', ENDING)
def test_a_replay_that_is_ended_keeps_earlier_results_and_a_playable_video(
        tmp_path, bag, monkeypatch, trackers, capfd, heeded, number):
    out, video = tmp_path / 'out', tmp_path / 'v.avi'
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Static())
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    before = (out / 'summary.json').read_bytes()

    class Ended(trackers.Static):
        images = 0

        def update(self, image, stamp=None):
            self.images += 1
            if self.images == 5:
                os.kill(os.getpid(), number)
            return super().update(image, stamp)

    monkeypatch.setattr(TrackerSpec, 'build', lambda self: Ended())
    assert evaluate(bag, *RANDOM, '--out', out, '--overwrite', '--video', video) == 130
    assert (out / 'summary.json').read_bytes() == before
    assert not [path for path in out.iterdir() if path.name.startswith('.')]
    assert 'interrupted' in capfd.readouterr().err
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert signal.getsignal(number) == signal.SIG_DFL


def test_what_is_ignored_does_not_end_a_replay(tmp_path, bag, monkeypatch, trackers):
    """As under nohup, where the terminal is closed."""
    class HungUp(trackers.Static):
        def update(self, image, stamp=None):
            os.kill(os.getpid(), signal.SIGHUP)
            return super().update(image, stamp)

    monkeypatch.setattr(TrackerSpec, 'build', lambda self: HungUp())
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert evaluate(bag, *RANDOM) == 0
    finally:
        signal.signal(signal.SIGHUP, former)


@pytest.mark.parametrize('suffix', ['.mp4', '.avi', '.mkv'])
def test_results_are_written_though_the_video_had_no_space(
        tmp_path, bag, static, capfd, monkeypatch, suffix):
    """OpenCV says nothing of it; a limit on the size of files stands for the full disk."""
    out, video = tmp_path / 'out', tmp_path / f'v{suffix}'
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    draw = film.draw_result

    def limited(*args, **options):
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, former[1]))
        return draw(*args, **options)

    monkeypatch.setattr(film, 'draw_result', limited)
    monkeypatch.setattr(evaluation, '_name_unreadable', lambda *_: resource.setrlimit(
        resource.RLIMIT_FSIZE, former))
    try:
        status = evaluate(bag, *RANDOM, '--out', out, '--video', video)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert status == 1
    assert f'error: cannot write {video}: ' in (said := capfd.readouterr().err)
    assert 'the video is not whole' in said and 'Traceback' not in said
    assert summary(out)['figures']['frames']['processed'] == 10


@pytest.mark.parametrize('option', ['', '--truth-bag'])
def test_an_input_is_not_among_what_is_replaced(tmp_path, bag, static, capfd, option):
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    (tmp_path / 'link').symlink_to(out / 'bag')
    before = sorted(out.rglob('*'))
    arguments = (bag, option, tmp_path / 'link') if option else (tmp_path / 'link',)
    assert evaluate(*arguments, *RANDOM, '--out', out, '--overwrite') == 2
    assert f'would replace {option or "BAG"} {tmp_path / "link"}' in capfd.readouterr().err
    assert sorted(out.rglob('*')) == before


def test_only_what_a_replay_left_is_replaced(tmp_path, bag, static):
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    (out / 'notes.txt').write_text('mine')
    (out / 'plots' / 'old.png').write_text('of the replay before')
    assert evaluate(bag, *RANDOM, '--out', out, '--overwrite', '--video', out / 'v.avi') == 0
    assert (out / 'notes.txt').read_text() == 'mine' and (out / 'v.avi').stat().st_size > 1000
    assert not (out / 'plots' / 'old.png').exists()


def test_a_folder_is_free_again_after_a_replay_that_failed(tmp_path):
    out = tmp_path / 'out'
    for _ in range(2):
        with pytest.raises(InputError, match='no image'), results_folder(out, False):
            raise InputError('no image')
        assert not out.exists()
