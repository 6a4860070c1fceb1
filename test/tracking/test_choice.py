"""Candidates that cannot be the target, the best of the others, and what doubt makes of it."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.tracking import choice
from siamx_ros.tracking.choice import MOST_CANDIDATES, Question, choose_allowed, judge
from siamx_ros.tracking.confidence import USUAL_BACKWARD, Calibration, doubted
from siamx_ros.tracking.decode import weigh
from siamx_ros.tracking.memory import anything
from siamx_ros.tracking.search import WindowAnswer

WINDOW = CropWindow(127.5, 127.5, 255.0, 255)
ENGINE = SimpleNamespace(similarity=lambda *_: 0.5)


def answered(scores):
    """An answer with these scores of the network, of boxes of 40 pixels."""
    maps = SimpleNamespace(scores=scores, distances=np.full((4, 25, 25), 20.0))
    return WindowAnswer(WINDOW, np.zeros((255, 255, 3), np.uint8), maps, weigh(
        scores, maps.distances, WINDOW, BoundingBox(0, 0, 40, 40), TrackerConfig(), 0.38),
        None, None)


def chosen(peaks, gate):
    """(row, column) -> score on a map without other scores; returns the cell, None for none."""
    scores = np.full((25, 25), 0.01)
    for cell, score in peaks.items():
        scores[cell] = score
    memory = SimpleNamespace(box=BoundingBox(0, 0, 40, 40), config=TrackerConfig(), gate=gate,
                             heading=lambda: None)
    before = scores.copy()
    found = choose_allowed(answered(scores), memory)
    assert (scores == before).all()
    return None if found is None else (found.cell, found.score, found.peak_ratio)


def test_who_stands_before_the_target_is_passed_over_for_the_target_beside():
    peaks = {(12, 12): 0.99, (12, 18): 0.8}
    assert chosen(peaks, lambda box: True)[:2] == ((12, 12), 0.99)
    cell, score, ratio = chosen(peaks, lambda box: box.centre[0] > 150)
    assert (cell, score) == ((12, 18), 0.8)
    assert ratio == pytest.approx(0.01 / 0.8), 'what is refused makes it no more ambiguous'


def heading(peaks, place, floor=0.01):
    """What is chosen of peaks by a target that was heading for a place."""
    scores = np.full((25, 25), floor)
    for cell, score in peaks.items():
        scores[cell] = score
    memory = SimpleNamespace(
        box=BoundingBox(0, 0, 40, 40), gate=anything, heading=lambda: place,
        config=TrackerConfig())
    return choose_allowed(answered(scores), memory)


def place_of(cell, dx=0.0):
    return 127.5 + 8 * (cell[1] - 12) + dx, 127.5 + 8 * (cell[0] - 12)


def test_of_two_that_look_alike_the_one_that_goes_on_is_followed():
    """One walks out of the middle, another one comes in and is answered better."""
    peaks = {(12, 12): 0.99, (12, 18): 0.7}
    assert heading(peaks, None).cell == (12, 12), 'where it was heading is not known'
    found = heading(peaks, place_of((12, 18)))
    assert (found.cell, found.score) == ((12, 18), 0.7)
    assert found.peak_ratio == pytest.approx(0.99 / 0.7), 'another one is seen no less for that'
    assert heading(peaks, place_of((12, 18), -30.0)).cell == (12, 12), 'it is nearer'


@pytest.mark.parametrize('other', [(18, 12), (6, 12), (12, 6), (12, 18), (6, 18)])
def test_where_it_was_heading_counts_along_both_axes(other):
    peaks = {(12, 12): 0.9, other: 0.8}
    x, y = place_of(other)
    assert heading(peaks, (x + 6.0, y - 6.0)).cell == other
    assert heading(peaks, place_of((12, 12))).cell == (12, 12)


def test_a_place_without_any_score_can_be_where_it_was_heading():
    """The middle is best by its place alone; what looks like the target is far away."""
    found = heading({(0, 0): 0.2}, place_of((12, 18)), floor=0.0)
    assert found.score == 0 and found.peak_ratio > 1


def test_what_hardly_looks_like_the_target_is_no_rival():
    place = place_of((12, 18))
    assert heading({(12, 12): 0.99, (12, 18): 0.25}, place).cell == (12, 12)
    other = {(12, 12): 0.99, (12, 18): 0.25, (3, 12): 0.5}
    assert heading(other, place).cell == (12, 12), 'nor where there is another one'
    assert heading({(12, 12): 0.99}, place).cell == (12, 12), 'a camera that turns moves all'
    assert heading({(12, 12): 0.99, (12, 18): 0.35}, place).cell == (12, 18)


def test_nothing_is_chosen_where_all_are_refused_and_the_gate_is_not_asked_for_ever():
    asked = []
    assert chosen({(12, 12): 0.99, (3, 3): 0.9}, lambda box: asked.append(box)) is None
    assert len(asked) == MOST_CANDIDATES and len({box.centre for box in asked}) == MOST_CANDIDATES


@pytest.mark.parametrize('tracked', [True, False])
def test_colours_share_in_the_confidence_and_strange_ones_raise_doubt_unless_it_is_tracked(tracked):
    scores = np.full((25, 25), 0.01)
    scores[12, 12] = 0.9
    online = SimpleNamespace(colour_similarity=lambda image, box: 0.4 if image == 'image' else 0.0,
                             strangeness=lambda similarity: 5 * similarity)
    memory = SimpleNamespace(box=BoundingBox(0, 0, 40, 40), config=TrackerConfig(), gate=anything,
                             online=online, backward=None, template=None)
    found, = judge(ENGINE, 'image', [
        Question(answered(scores), memory, Calibration(colour=3.0), tracked)])
    certain = Calibration(colour=3.0)(0.9, 0.0, 0.5, 0.0, 0.4)
    assert found.candidate.colour == 0.4
    assert found.confidence == pytest.approx(certain if tracked else doubted(certain, 2.0))


@pytest.mark.parametrize('confidence', [0.02, 0.5, 0.97])
@pytest.mark.parametrize('doubt', [0.0, 0.5, 3.0])
def test_doubt_lowers_the_logit(confidence, doubt):
    def logit(share):
        return math.log(share / (1 - share))

    assert logit(doubted(confidence, doubt)) == pytest.approx(logit(confidence) - doubt)


def test_the_ends_stay():
    assert doubted(0.0, 3.0) == 0 and doubted(1.0, 3.0) == 1
    assert math.isnan(doubted(math.nan, 1.0))


@pytest.mark.parametrize('tracked, frames, score, known, used, searched', [
    (True, 10, 0.9, 0.9, 0.6, True),    # it is due
    (True, 9, 0.9, 0.9, 0.9, False),    # it is not, and what is known says that all is well
    (True, 9, 0.9, 0.2, 0.6, True),     # it raises doubt, or the network does
    (True, 9, 0.3, 0.9, 0.6, True),
    (True, 10, 0.001, 0.9, 0.9, False),  # nothing could make it the target
    (False, 9, 0.9, 0.9, 0.6, True),    # it was not followed before: what is known is of another
    (False, 9, 0.001, 0.2, USUAL_BACKWARD, False)])
def test_the_first_image_is_searched_where_that_is_due_or_decides(
        tracked, frames, score, known, used, searched, monkeypatch):
    scores = np.full((25, 25), 1e-4)
    scores[12, 12] = score
    asked = []
    monkeypatch.setattr(choice, 'backward_scores', lambda engine, image, questions: [
        asked.append(box) or 0.6 for check, box in questions if check is backward])
    backward = SimpleNamespace(score=known)
    memory = SimpleNamespace(
        box=BoundingBox(0, 0, 40, 40), config=TrackerConfig().replace({'backward_every': 10}),
        gate=anything, online=None, backward=backward, template=None, frames=frames)
    calibration = Calibration(backward=1.0)
    found, = judge(ENGINE, 'image', [Question(answered(scores), memory, calibration, tracked)])
    assert bool(asked) == searched and asked in ([], [found.candidate.box])
    assert found.candidate.backward == used
    assert found.confidence == pytest.approx(calibration(score, 0.0, 0.5, backward=used))


def test_a_check_that_is_switched_off_while_tracking_is_made_no_more():
    scores = np.full((25, 25), 1e-4)
    scores[12, 12] = 0.9
    memory = SimpleNamespace(
        box=BoundingBox(0, 0, 40, 40), config=TrackerConfig().replace({'backward_every': 0}),
        gate=anything, online=None, backward=SimpleNamespace(score=0.2), template=None, frames=10)
    found, = judge(ENGINE, 'image', [Question(answered(scores), memory, Calibration(), True)])
    assert found.candidate.backward == USUAL_BACKWARD
