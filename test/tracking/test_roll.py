"""A target that turns in the image plane is looked for in its first image, turned."""

from copy import copy
import math

import cv2
import numpy as np
import pytest

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Template
from siamx_ros.patch_geometry import SquareGeometry, StretchedGeometry, rolled_size
from siamx_ros.records import TrackState
from siamx_ros.tracking.choice import in_best_roll
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.roll import TURNS, RolledViews, View
from siamx_ros.tracking.search import SearchResult

FILL = (90.0, 110.0, 130.0)
CONFIG = TrackerConfig()
BOX = BoundingBox.from_centre(320, 240, 60, 40)


class Encoder:
    """Encodings are the patches themselves."""

    def __init__(self, geometry=StretchedGeometry(1.4, 5.0)):
        self.geometry = geometry

    def embed(self, patch):
        return Template({'patch': patch}, np.ones(1))

    def encode_search(self, patch):
        return patch


def scene(seed=0, height=480, width=640):
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def views(image, box, geometry=StretchedGeometry(1.4, 5.0), config=CONFIG) -> RolledViews:
    return RolledViews(Encoder(geometry), image, box, FILL, config, View('template', 'first'))


@pytest.mark.parametrize('angle, size', [
    (0, (60, 40)), (90, (40, 60)), (180, (60, 40)), (45, (math.sqrt(2600), math.sqrt(2600)))])
def test_a_rolled_box_is_that_around_its_ellipse(angle, size):
    assert rolled_size(60, 40, angle) == pytest.approx(size)


@pytest.mark.parametrize('turn, quarters', [(2, 1), (4, 2), (6, 3), (-2, 3)])
@pytest.mark.parametrize('geometry', [SquareGeometry(), StretchedGeometry(1.4, 5.0)])
def test_a_view_is_what_the_turned_image_shows(turn, quarters, geometry):
    """A quarter of a turn moves whole pixels: nothing but rounding is lost."""
    image, box = scene(height=600, width=600), BoundingBox.from_centre(300, 300, 60, 40)
    rolled = views(image, box, geometry)[turn]
    turned = np.ascontiguousarray(np.rot90(image, quarters))  # counter-clockwise
    seen = BoundingBox.from_centre(300, 300, *rolled_size(60, 40, 90 * quarters))
    for patch, window in (
            (rolled.template.kernels['patch'], geometry.template_window(seen)),
            (rolled.backward.first, geometry.search_window(seen, CONFIG.steady_size))):
        difference = np.abs(patch.astype(int) - imaging.crop(turned, window, FILL))
        assert np.median(difference) <= 1 and np.percentile(difference, 99) <= 6
    assert rolled.backward.near.any()


@pytest.mark.parametrize('box', [
    BoundingBox(-10, -10, 50, 50), BoundingBox(0, 0, 1920, 1080), BoundingBox(5, 500, 1900, 4),
    BoundingBox(900, 500, 3, 3)])
def test_targets_of_any_place_and_size_are_rolled(box):
    """A large one is kept no finer than a patch shows it."""
    image = scene(1, 1080, 1920)
    rolls = views(image, box)
    assert rolls._pixels.size < 8e6
    patch = rolls[3].template.kernels['patch']
    assert patch.shape == (127, 127, 3) and patch.std() > 5


def test_a_view_is_made_once_of_an_image_that_may_be_written_over():
    image = scene()
    rolls = views(image, BOX)
    image[:] = 0
    assert rolls[1].template.kernels['patch'].std() > 20
    assert rolls[0] == ('template', 'first') and rolls[TURNS] is rolls[0]
    assert rolls[3] is rolls[3 - TURNS]


def memory_at(turn) -> TargetMemory:
    rolls = views(scene(), BOX)
    backward = rolls[1].backward
    memory = TargetMemory('template', BOX, FILL, (640, 480), CONFIG, 0.0)
    memory.backward = backward
    rolls._views = {number: View(f'template {number}', copy(backward))
                    for number in range(TURNS)}
    memory.rolls = rolls
    memory.show_roll(turn)
    rolls.turn = turn
    return memory


def answer(confidence, box=BOX, ratio=0.1, refused=False, similarity=0.6) -> SearchResult:
    candidate = Candidate(box, 0.5, 0.5, ratio, (0, 0), CropWindow(320, 240, 207, 207))
    return SearchResult(candidate, confidence, similarity, None, refused=refused)


def upright(confidence, **others) -> SearchResult:
    return answer(confidence, similarity=0.5, **others)


def seen_from(turn, found, shown, images=1):
    """The roll and confidence that are taken at last, and the rolls that were looked at."""
    memory, looked = memory_at(turn), []

    def look():
        number = int(memory.template.split()[1])
        looked.append(number)
        given = shown.get(number, 0.0)
        return given if isinstance(given, SearchResult) else answer(given)
    for _ in range(images):
        best = in_best_roll(found, memory, look)
    assert memory.template == f'template {memory.rolls.turn}'
    return memory.rolls.turn, best.confidence, looked


@pytest.mark.parametrize('confidence, shown, images, turn, best, looked', [
    pytest.param(0.9, {1: 0.99}, 3, 0, 0.9, [], id='no doubt'),
    pytest.param(0.5, {1: 0.9}, 1, 1, 0.9, [1, 7], id='turned one way'),
    pytest.param(0.5, {7: 0.9}, 3, 7, 0.9, [1, 7, 1], id='or the other'),
    pytest.param(0.5, {1: 0.9, 7: 0.95}, 1, 7, 0.95, [1, 7], id='the likelier one'),
    pytest.param(0.5, {1: 0.8, 7: 0.7}, 5, 0, 0.5, [1, 7, 1], id='no other is sure'),
    pytest.param(0.84, {1: 0.9}, 1, 0, 0.84, [1], id='hardly better'),
    pytest.param(0.84, {1: 0.98}, 1, 1, 0.98, [1, 7], id='certain'),
    pytest.param(0.1, {1: 0.9}, 3, 0, 0.1, [], id='what is gone does not turn')])
def test_an_upright_target_turns_where_it_is_sure(confidence, shown, images, turn, best, looked):
    """In one of two doubtful images one way is looked at; both, where that one is believed."""
    assert seen_from(0, upright(confidence), shown, images) == (turn, best, looked)


@pytest.mark.parametrize('confidence, shown, images, turn, best, looked', [
    pytest.param(0.9, {3: 0.99, 0: 0.99}, 3, 2, 0.9, [], id='no doubt'),
    pytest.param(0.6, {3: 0.7}, 1, 3, 0.7, [3, 0, 1], id='goes on turning'),
    pytest.param(0.1, {3: 0.7}, 1, 3, 0.7, [3, 0, 1], id='fast'),
    pytest.param(0.6, {3: 0.64}, 1, 2, 0.6, [3], id='hardly better'),
    pytest.param(0.6, {0: 0.58}, 2, 0, 0.58, [3, 0, 1, 3], id='upright if that is about as likely'),
    pytest.param(0.6, {0: 0.54}, 2, 2, 0.6, [3, 0], id='but not if it is less'),
    pytest.param(0.2, {1: 0.4}, 4, 2, 0.2, [3, 0, 1, 3], id='none is likely')])
def test_a_rolled_target_turns_on_or_back(confidence, shown, images, turn, best, looked):
    """One roll is looked at in an image; all, where that one is believed."""
    assert seen_from(2, answer(confidence), shown, images) == (turn, best, looked)


def test_what_is_rolled_already_may_look_less_like_it():
    assert seen_from(2, answer(0.6), {3: answer(0.9, similarity=0.4)})[0] == 3


def test_an_upright_target_that_is_certain_may_look_less_like_it():
    for confidence, turn in ((0.96, 0), (0.98, 1)):
        assert seen_from(0, upright(0.5), {1: answer(confidence, similarity=0.4)})[0] == turn


def test_the_way_that_it_goes_is_looked_at_first():
    memory = memory_at(2)
    for turn, nearest in ((1, [0, 2]), (0, [7, 1]), (7, [6, 0]), (6, [5, 0, 7]), (7, [0, 6])):
        memory.rolls.turn_to(turn)
        assert memory.rolls.others() == nearest


AWAY = BoundingBox(400, 300, 60, 40)


@pytest.mark.parametrize('found, other', [
    pytest.param(upright(0.5, ratio=0.9), answer(0.95), id='which of two is the question'),
    pytest.param(upright(0.5), answer(0.95, box=AWAY), id='something else'),
    pytest.param(upright(0.5), answer(0.95, similarity=0.4), id='somebody else'),
    pytest.param(upright(0.5), answer(0.95, refused=True), id='cannot be the target'),
    pytest.param(upright(0.5, refused=True), answer(0.95), id='nothing was found')])
def test_what_may_be_something_else_is_not_said_to_turn(found, other):
    assert seen_from(0, found, {1: other, 7: other}, 3)[:2] == (0, found.confidence)


def test_the_thresholds_may_change():
    memory = memory_at(0)
    memory.configure(CONFIG.replace({'recover_threshold': 0.72}))
    assert not memory.rolls.may_turn(answer(0.75).candidate, 0.75)
    assert memory.rolls.believed_from() == 0.72


def test_the_backward_score_goes_along():
    memory = memory_at(0)
    memory.backward.score = 0.4
    memory.show_roll(3)
    assert memory.backward.score == 0.4 and memory.backward is memory.rolls[3].backward


@pytest.mark.parametrize('adaptive', ['paper', 'off'])
def test_a_lost_target_is_searched_for_upright(adaptive):
    memory = memory_at(3)
    memory.configure(CONFIG.replace({'adaptive': adaptive}))
    memory.take(answer(0.5).candidate, 0.5, TrackState.UNCERTAIN)
    assert memory.rolls.turn == 3
    memory.take(answer(0.01).candidate, 0.01, TrackState.LOST)
    assert memory.rolls.turn == 0 and memory.template == 'template 0'
    memory = memory_at(3)
    memory.fall_back()
    assert memory.rolls.turn == 0 and memory.template == 'template 0'


@pytest.mark.parametrize('height, width', [(6, 4096), (4096, 6), (1, 3000)])
def test_a_long_target_fills_a_thin_image(height, width):
    image = np.full((height, width, 3), FILL, np.uint8)
    rolled = views(image, BoundingBox(0, 0, width, height))
    assert np.ptp(rolled[1].template.kernels['patch'], (0, 1)).max() <= 1
