"""What is followed is searched for in the first image: only the target is found in its place."""

import numpy as np
import pytest

from siamx_ros.config import ModelConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.patch_geometry import SquareGeometry
from siamx_ros.synthetic import sequence
from siamx_ros.tracking import choice, search
from siamx_ros.tracking.backward import BackwardCheck, backward_scores
from siamx_ros.tracking.from_weights import load_tracker

COLOURS = {'target': (0, 0, 200), 'beside': (200, 0, 0), 'elsewhere': (0, 200, 0)}
FILL = (90.0, 90.0, 90.0)
CELLS = 19


class SameColour:
    """Scores are 1 where a patch has the colour of the template's middle, else 0."""

    geometry = SquareGeometry()

    def encode_search(self, patch):
        return patch

    def scores_of_many(self, searches):
        return [self._scores(*each) for each in searches]

    def _scores(self, patch, encoded):
        places = len(encoded) // 2 + 8 * (np.arange(CELLS) - CELLS // 2)
        colours = encoded[np.ix_(places, places)].astype(float)
        return (np.abs(colours - patch[63, 63]).max(-1) < 5).astype(float)


def image(**centres) -> np.ndarray:
    """Squares of 40 pixels on grey, by the name of their colour."""
    shown = np.full((480, 640, 3), 90, np.uint8)
    for name, (x, y) in centres.items():
        shown[y - 20:y + 20, x - 20:x + 20] = COLOURS[name]
    return shown


def box(x: float, y: float) -> BoundingBox:
    return BoundingBox.from_centre(x, y, 40, 40)


@pytest.mark.parametrize('place, score', [
    ((500, 300), 1.0), ((508, 304), 1.0), ((400, 100), 0.0), ((60, 60), 0.0)])
def test_only_the_target_is_found_where_it_was_first(place, score):
    """What stood beside it then is found as well, but beside it."""
    engine, first = SameColour(), image(target=(200, 200), beside=(250, 200))
    window = CropWindow(200.0, 200.0, 207.0, 207)
    patch = first[97:304, 97:304]
    check = BackwardCheck(engine, patch, window, box(200, 200), 'exact', FILL)
    now = image(target=(500, 300), beside=(400, 100), elsewhere=(60, 60))
    assert backward_scores(engine, now, [(check, box(*place))]) == [score]


def test_a_sure_target_is_checked_at_times_and_nothing_is_compiled_for_it(monkeypatch):
    """In between, the score of the last check counts."""
    tracker, found = load_tracker(ModelConfig(device='cpu', threads=1)), []
    for module in (choice, search):
        monkeypatch.setattr(module, 'backward_scores', lambda *asked: (
            found.extend(backward_scores(*asked)), found[-1:])[1])
    clip = sequence(frames=24, seed=1)
    tracker.init(clip.image(0), clip.first_box)
    assert len(found) == 1, 'once, to compile it'
    monkeypatch.setattr(type(tracker.engine), '_compile', None)
    monkeypatch.setattr(type(tracker.engine), '_compile_scores', None)
    monkeypatch.setattr(type(tracker.engine.network), 'levels', None)  # nor does torch answer
    scores = [tracker.update(clip.image(index)).backward_score for index in range(1, 24)]
    assert len(found) == 3 and found[1] != found[2]
    assert scores[9:19] == [found[1]] * 10 and scores[19:] == [found[2]] * 4
