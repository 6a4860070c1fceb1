"""The adaptive scheme around another tracker."""

import numpy as np
import pytest

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.evaluation.adapted import AdaptedTracker
from siamx_ros.evaluation.trackers import TrackerSpec, variants
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, TrackResult, TrackState

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
    """Finds the square if its centre lies at most REACH pixels off the last one."""

    REACH = 16

    def init(self, image, box, stamp=None):
        self.box = box
        return TrackResult(box, 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED, valid=True)

    def update(self, image, stamp=None):
        rows, columns = np.nonzero(image.max(2) > 30)
        if len(rows):
            found = BoundingBox(columns.min(), rows.min(), SIZE, SIZE)
            if max(abs(np.subtract(found.centre, self.box.centre))) <= self.REACH:
                self.box = found
        return TrackResult(self.box, 1.0, TrackState.TRACKING, valid=True)


def follow(places, **settings):
    """Results of tracking the square through frames, and its true boxes."""
    tracker = AdaptedTracker(Near(), TrackerConfig().replace(settings))
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


def test_off_reports_what_the_tracker_finds():
    results, truth = follow([(20 + 3 * i, 30) for i in range(20)], adaptive='off')
    assert all(result.box.iou(box) == 1 and result.valid for result, box in zip(results, truth))


def test_bad_use():
    with pytest.raises(InputError, match="'global' cannot be put around"):
        AdaptedTracker(Near(), TrackerConfig(adaptive='global'))
    with pytest.raises(InputError, match='call init first'):
        AdaptedTracker(Near()).update(frame(None))


def test_as_a_kind_of_tracker():
    [plain, adapted] = variants(['csrt', 'csrt-adapted'], ['relocalise'], ModelConfig(),
                                TrackerConfig())
    assert adapted.config.adaptive == 'relocalise'
    assert 'tracking' in adapted.fingerprint() and 'tracking' not in plain.fingerprint()
    assert TrackerSpec('a', 'kcf-adapted').kind == 'kcf-adapted'


def test_each_scheme_is_put_around_it():
    specs = variants(['kcf', 'kcf-adapted'], ['off', 'paper'], ModelConfig(), TrackerConfig())
    assert [(spec.name, spec.config.adaptive) for spec in specs[1:]] == [
        ('kcf-adapted-off', 'off'), ('kcf-adapted-paper', 'paper')]
    with pytest.raises(InputError, match="'global' cannot be put around .* kcf-adapted"):
        variants(['kcf-adapted'], ['global'], ModelConfig(), TrackerConfig())
