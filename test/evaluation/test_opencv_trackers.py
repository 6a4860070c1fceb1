"""OpenCV's trackers behind our two verbs."""

import numpy as np
import pytest

from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError
from siamx_ros.evaluation.opencv_trackers import OpenCvTracker, available
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.scores import score
from siamx_ros.records import TrackState

needs_contrib = pytest.mark.skipif(not available(), reason='OpenCV without its contrib trackers')


def smooth(write, folder):
    return write(folder, np.array([[20 + 2.0 * i, 40, 40, 30] for i in range(12)]), (160, 120))


@needs_contrib
def test_csrt_follows_a_slow_target(tmp_path, write):
    scores = score(run_sequence(OpenCvTracker('csrt'), read_folder(smooth(write, tmp_path / 's'))))
    assert scores.success > 0.9 and scores.wrong_while_valid == 0


@needs_contrib
def test_kcf_says_lost_and_holds_its_box(tmp_path, write):
    sequence = read_folder(smooth(write, tmp_path / 's'))
    tracker = OpenCvTracker('kcf')
    run_sequence(tracker, sequence)
    held = tracker.update(np.zeros((120, 160, 3), np.uint8))
    assert held.state == TrackState.LOST and not held.valid and held.confidence == 0
    assert held.box is not None


@needs_contrib
def test_update_before_init():
    with pytest.raises(InputError, match='call init first'):
        OpenCvTracker('kcf').update(np.zeros((9, 9, 3), np.uint8))


def test_not_installed(monkeypatch):
    monkeypatch.delattr('cv2.TrackerKCF', raising=False)
    with pytest.raises(InputError, match='has no KCF tracker: install opencv-contrib'):
        OpenCvTracker('kcf')
