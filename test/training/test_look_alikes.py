"""Look-alikes stand behind the target and move; it stays where its box is."""

import numpy as np
import pytest

from siamx_ros.training.look_alikes import with_look_alikes
from siamx_ros.training.synthetic_video import SyntheticVideo

BOX = np.array([80.0, 60.0, 40.0, 30.0])
RED = (0, 0, 250)


@pytest.fixture
def video():
    """A striped red square that stands still on grey, out of sight in the last two images."""
    image = np.full((160, 220, 3), 90, np.uint8)
    image[60:90, 80:120] = RED
    image[60:90, 80:120:4] //= 2
    boxes = np.tile(BOX, (20, 1))
    boxes[-2:] = np.nan
    return SyntheticVideo([image] * 20, boxes)


@pytest.mark.parametrize('seed', range(4))
def test_others_move_behind_the_target_while_it_is_shown(video, seed):
    rng = np.random.default_rng(seed)
    others = [np.full((30, 40, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 200, 0))]
    made = with_look_alikes(video, others, rng)
    changed = np.array([(after != before).any(-1) for before, after in zip(
        video.images, made.images)])
    assert made.boxes is video.boxes and not changed[-2:].any()
    shown = changed[:-2]
    assert not shown[:, 68:82, 90:110].any(), 'the middle of the target stays'
    assert shown.any((1, 2)).sum() > 9 and (shown[0] != shown[-1]).any()
    assert (np.diff(shown.any(0).sum(0)) != 0).any()


def test_without_others_a_copy_of_the_target_in_other_colours_is_made(video):
    made = with_look_alikes(video, [], np.random.default_rng(0))
    new = np.concatenate([after[(after != before).any(-1)] for before, after in zip(
        video.images, made.images)]).astype(int)
    assert (new[:, 2] > new[:, 0] + 60).mean() > 0.8, 'it is as red as the target'
    assert not (new == RED).all(-1).any()


def test_the_most_alike_in_shape_are_taken(video):
    """Among many that are wide, eight that are as high as the target."""
    like = [np.full((30, 40, 3), (200, 0, 0), np.uint8)] * 8
    others = [np.full((10, 40, 3), (0, 200, 0), np.uint8)] * 30 + like
    for seed in range(6):
        made = with_look_alikes(video, others, np.random.default_rng(seed))
        assert not any((image[..., 1] > 150).any() for image in made.images)
