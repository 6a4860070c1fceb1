from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from siamx_ros.demo.journal import Journal, StateChange
from siamx_ros.demo.result_files import write_csv, write_plot, write_summary, write_video
from siamx_ros.evaluation import metrics
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import Reason, TrackResult, TrackState

HIDDEN = (np.nan,) * 4


def tracking(x: float) -> TrackResult:
    return TrackResult(BoundingBox(x, 10, 20, 20), 0.9, TrackState.TRACKING, valid=True)


LOST = TrackResult(None, 0.1, TrackState.LOST)


@pytest.fixture
def journal() -> Journal:
    """Ten frames: four good, one off by half, one lost and seen, two lost and hidden, one false
    alarm, one never processed."""
    truth = np.array([(10, 10, 20, 20)] * 6 + [HIDDEN] * 3 + [(10, 10, 20, 20)])
    results = dict(enumerate([tracking(10)] * 4 + [tracking(25), LOST, LOST, LOST, tracking(10)]))
    changes = [StateChange(5 / 30, TrackState.TRACKING, TrackState.LOST, Reason.LOW_SCORE),
               StateChange(8 / 30, TrackState.LOST, TrackState.RELOCALISED, Reason.CONFIRMED)]
    return Journal(30.0, 10, truth, results, {0: 0.01, 1: 0.03, 2: float('nan')}, changes,
                   seconds=0.5)


def test_summary_counts(journal):
    numbers = journal.summary()
    assert (numbers['frames'], numbers['processed'], numbers['dropped']) == (10, 9, 1)
    assert numbers['frames_per_second'] == 18.0
    assert numbers['median_latency_ms'] == 20.0
    assert (numbers['times_lost'], numbers['times_relocalised']) == (1, 1)
    assert numbers['followed_share'] == round(4 / 6, 4)
    assert numbers['wrong_share'] == round(1 / 9, 4)
    assert numbers['valid_share'] == round(6 / 9, 4)


def test_a_run_for_evaluation(journal):
    run = journal.run('clip')
    overlap = metrics.overlaps(run.boxes, run.truth)
    assert overlap[:4] == pytest.approx(1.0) and overlap[4] == pytest.approx(5 / 35)
    assert run.states[-1] == -1 and run.states[5] == TrackState.LOST and not run.valid[5]
    assert np.isnan(run.confidence[-1]) and run.name == 'clip'


def test_without_truth_nothing_is_claimed(journal):
    journal.truth_xywh = None
    assert 'followed_share' not in journal.summary()
    assert np.isnan(journal.run().truth).all()


def test_an_empty_run_has_a_summary():
    assert Journal(30.0, 5).summary()['dropped'] == 5


def test_changes_read_well():
    change = StateChange(12.4, TrackState.TRACKING, TrackState.LOST, Reason.LOW_SCORE)
    assert str(change) == '  12.4 s  TRACKING -> LOST (low score)'
    assert str(StateChange(0, TrackState.LOST, TrackState.TRACKING, Reason.NONE)).endswith('KING')


@pytest.mark.parametrize('with_truth', [True, False])
def test_everything_is_left_behind(journal, tmp_path, with_truth):
    if not with_truth:
        journal.truth_xywh = None
    images = [np.full((120, 160, 3), 60, np.uint8)] * 10
    write_video(tmp_path / 'a.mp4', iter(images), journal, 'name')
    write_plot(tmp_path / 'a.png', journal, 'name')
    write_csv(tmp_path / 'a.csv', journal)
    write_summary(tmp_path / 'a.json', journal, {'clip': 'name'})
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    assert len(frames) == 10
    greenness = frames[0].astype(int)[..., 1] - frames[0].astype(int)[..., 2]
    assert greenness.max() > 60, 'the box is drawn'
    plot = cv2.imread(str(tmp_path / 'a.png'))
    assert plot.shape[1] > 1000 and plot.std() > 10
    lines = (tmp_path / 'a.csv').read_text().splitlines()
    assert lines[0] == 'frame,x,y,w,h,confidence,state' and len(lines) == 10
    summary = json.loads((tmp_path / 'a.json').read_text())
    assert summary['clip'] == 'name'
    assert [change['to'] for change in summary['changes']] == ['LOST', 'RELOCALISED']
