"""OpenCV's trackers behind our two verbs, and the adaptive scheme around another tracker."""

import numpy as np
import pytest

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError
from siamx_ros.evaluation.adapted import REACH, AdaptedTracker
from siamx_ros.evaluation.opencv_trackers import OpenCvTracker, available
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.scores import score
from siamx_ros.evaluation.trackers import variants
from siamx_ros.geometry import BoundingBox, context_side
from siamx_ros.records import BoxSource, TrackResult, TrackState
from siamx_ros.tracking.relocalise import HeatMapSearch

SIZE = 12


def frame(place):
    """A black image with one patterned square at (x, y), or nothing at None."""
    image = np.zeros((120, 200, 3), np.uint8)
    if place is not None:
        x, y = place
        image[y:y + SIZE, x:x + SIZE] = (40, 200, 240)
        image[y:y + SIZE // 2, x:x + SIZE // 2] = (200, 30, 90)
    return image


class Near:
    """Finds the square if its centre lies at most ``reach`` pixels off the last one."""

    def __init__(self, reach=16):
        self.reach = reach

    def init(self, image, box, stamp=None):
        self.box = box
        return TrackResult(box, 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED, valid=True)

    def update(self, image, stamp=None):
        rows, columns = np.nonzero(image.max(2) > 30)
        if len(rows):
            found = BoundingBox(columns.min(), rows.min(), SIZE, SIZE)
            if max(abs(np.subtract(found.centre, self.box.centre))) <= self.reach:
                self.box = found
        return TrackResult(self.box, 1.0, TrackState.TRACKING, valid=True)


def follow(places, reach=16, **settings):
    """Results of tracking the square through frames, and its true boxes."""
    tracker = AdaptedTracker(Near(reach), TrackerConfig().replace(settings))
    truth = [None if p is None else BoundingBox(*p, SIZE, SIZE) for p in places]
    results = [tracker.init(frame(places[0]), truth[0])]
    return results + [tracker.update(frame(place)) for place in places[1:]], truth


ACCELERATING = [(10, 40), (14, 40), (20, 40), (28, 40), (38, 40), (50, 40), (64, 40), (80, 40),
                (98, 40), (118, 40), (140, 40)]
INTERRUPTED = [(20, 40)] * 6 + [(34, 40), (48, 40), (62, 40), (76, 40), (90, 40)] + [None] * 12 + [
    (20, 40)] * 8


def test_momentum_follows_what_outruns_the_tracker():
    """Steps grow to 22 pixels, the tracker alone reaches 16."""
    alone, truth = follow(ACCELERATING, adaptive='off', momentum_gate='confidence')
    assert alone[-1].box.iou(truth[-1]) == 0
    helped, _ = follow(ACCELERATING, adaptive='momentum', momentum_gate='confidence')
    assert all(result.box.iou(box) == 1 for result, box in zip(helped, truth))


def test_the_heat_map_finds_what_returns_to_its_usual_place():
    alone, truth = follow(INTERRUPTED, adaptive='off')
    assert alone[-1].box.iou(truth[-1]) == 0 and not alone[-1].valid
    helped, _ = follow(INTERRUPTED, adaptive='relocalise', n_lost=5)
    assert helped[-1].box.iou(truth[-1]) == 1 and helped[-1].valid
    states = [result.state for result in helped]
    assert TrackState.LOST in states[11:23] and TrackState.RELOCALISED in states[23:]
    assert not any(result.valid for result in helped[16:23])


def test_the_sweep_brings_a_near_sighted_tracker_into_every_corner():
    """It searches no wider than it does, however wide our own windows are."""
    for corner in ((0, 0), (188, 0), (0, 108), (188, 108)):
        results, truth = follow([(20, 40)] * 6 + [None] * 12 + [corner] * 90, reach=24, n_lost=5)
        assert results[-1].box.iou(truth[-1]) == 1 and results[-1].valid, corner


def test_only_what_the_tracker_can_have_seen_is_searched_in_vain(monkeypatch):
    """Also where the sweep looks for larger targets, in wider windows of our own."""
    seen = []
    missed = HeatMapSearch.missed
    monkeypatch.setattr(HeatMapSearch, 'missed', lambda self, window: (
        seen.append(window), missed(self, window)))
    follow([(20, 40)] * 6 + [None] * 60, n_lost=5)
    assert len(seen) > 10
    assert {round(window.side) for window in seen} == {round(REACH * context_side(SIZE, SIZE))}


def test_a_clock_that_was_set_back_loses_the_target():
    tracker = AdaptedTracker(Near(), TrackerConfig(adaptive='relocalise'))
    tracker.init(frame((20, 40)), BoundingBox(20, 40, SIZE, SIZE))
    tracker.lose(1.0)
    assert tracker.update(frame((20, 40)), 1.0).state != TrackState.TRACKING


def test_off_reports_what_the_tracker_finds():
    results, truth = follow([(20 + 3 * i, 30) for i in range(20)], adaptive='off')
    assert all(result.box.iou(box) == 1 and result.valid for result, box in zip(results, truth))


def test_bad_use():
    with pytest.raises(InputError, match="'global' cannot be put around"):
        AdaptedTracker(Near(), TrackerConfig(adaptive='global'))
    with pytest.raises(InputError, match='call init first'):
        AdaptedTracker(Near()).update(frame(None))


def test_as_a_kind_of_tracker_with_each_scheme_around_it():
    specs = variants(['kcf', 'kcf-adapted'], ['off', 'paper'], ModelConfig(), TrackerConfig())
    assert [(spec.name, spec.config.adaptive) for spec in specs[1:]] == [
        ('kcf-adapted-off', 'off'), ('kcf-adapted-paper', 'paper')]
    assert [spec.kind for spec in specs[1:]] == ['kcf-adapted'] * 2
    assert 'tracking' in specs[1].fingerprint() and 'tracking' not in specs[0].fingerprint()
    with pytest.raises(InputError, match="'global' cannot be put around .* kcf-adapted"):
        variants(['kcf-adapted'], ['global'], ModelConfig(), TrackerConfig())


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
