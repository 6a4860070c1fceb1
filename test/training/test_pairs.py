"""What a pair shows is what its box says; files that are missing or damaged are named."""

import shutil

import numpy as np
import pytest
from training_pairs import CALM, TARGET, red_box

from siamx_ros.config import NetworkConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.training import augment, samples
from siamx_ros.training.augment import Placement
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.samples import Sample


@pytest.mark.parametrize('place', [
    Placement(1.0, 1.0, 0.0, 0.0, 0.0), Placement(0.5, 0.7, 0.0, 30.0, -20.0),
    Placement(-0.6, 0.6, 0.0, 10.0, 5.0), Placement(2.6, 2.2, 0.0, -8.0, 12.0)])
def test_box_follows_the_cut(place):
    image = np.full((300, 400, 3), 200, np.uint8)
    image[100:160, 150:230] = (0, 0, 255)
    target = BoundingBox(150, 100, 80, 60)
    patch = augment.cut(image, target, place, 255)
    np.testing.assert_allclose(red_box(patch), place.box(target, 255), atol=1.5)


def test_rotated_ellipse():
    image = np.full((300, 400, 3), 200, np.uint8)
    target = BoundingBox(150, 100, 80, 60)
    y, x = np.mgrid[:300, :400] + 0.5
    image[((x - 190) / 40) ** 2 + ((y - 130) / 30) ** 2 <= 1] = (0, 0, 255)
    place = Placement(0.8, 0.8, 0.3, 20.0, -10.0)
    np.testing.assert_allclose(
        red_box(augment.cut(image, target, place, 255)), place.box(target, 255), atol=2)


def test_search_patch_shows_the_target_in_its_box(data, tiny_config):
    """Video pairs without colour changes: the red target lies where the box says."""
    config = tiny_config.replace({**CALM, 'photos': 0.0, 'regions': 0.0, 'videos': 1.0})
    dataset = PairDataset(read_pictures(data, config), config, length=12, seed=3)
    for i in range(12):
        template, search, box, _, extent = dataset[i]
        assert template.shape == (127, 127, 3) and search.shape == (255, 255, 3)
        seen, clipped = red_box(search), np.clip(box, 0, 255)
        np.testing.assert_allclose(seen, clipped, atol=6)
        np.testing.assert_allclose(red_box(template), np.clip(extent, 0, 127), atol=6)


def test_patches_have_the_geometry_of_the_network(data, tiny_config):
    """A network with stretched patches gets square targets, finer in the template."""
    config = tiny_config.replace({
        **CALM, 'photos': 0.0, 'regions': 0.0, 'videos': 1.0, 'augment.search_scale': 0.0,
        'augment.template_scale': 0.0, 'network': NetworkConfig.mobile().to_dict()})
    dataset = PairDataset(read_pictures(data, config), config, length=6, seed=3)
    for template, search, box, _, extent in map(dataset.__getitem__, range(6)):
        np.testing.assert_allclose(red_box(search), np.clip(box, 0, 255), atol=6)
        np.testing.assert_allclose(red_box(template), np.clip(extent, 0, 127), atol=6)
        np.testing.assert_allclose(box[2:] - box[:2], 51, atol=0.1)
        np.testing.assert_allclose(extent[2:] - extent[:2], 127 / 1.4, atol=0.1)


def test_a_part_lies_within_its_object(data, tiny_config):
    """Half of the large objects are cut to a part; those too small to have parts stay whole."""
    config = tiny_config.replace({'photos': 1.0, 'parts': 0.5})
    source = samples.folder_sources(read_pictures(data, config), config)[0]
    rng = np.random.default_rng(0)
    boxes = [source.draw(rng).template.box for _ in range(300)]
    parts = [box for box in boxes if (box.w, box.h) != (50, 40)]
    assert 110 < len(parts) < 190
    for box in parts:
        assert 0.35 <= box.w / 50 <= 0.75 and 0.35 <= box.h / 40 <= 0.75
        assert 20 <= box.x and box.x + box.w <= 35 + 50 and 30 <= box.y and box.y + box.h <= 70
    small = np.array([[5.0, 5.0, 28.0, 60.0]])
    whole = samples.photo_sample(lambda: None, small, rng, 0, parts=1.0).template.box
    assert whole == BoundingBox(5, 5, 28, 60)


def test_pairs_depend_on_their_number_alone(data, tiny_config):
    pictures = read_pictures(data, tiny_config)
    whole = PairDataset(pictures, tiny_config, length=8, seed=1)
    later = PairDataset(pictures, tiny_config, start=5, length=3, seed=1)
    other = PairDataset(pictures, tiny_config, length=8, seed=2)
    for a, b in zip(whole[6], later[1]):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(whole[6][1], other[6][1])


class OneScene:
    """A source that shows one scene, or each time another."""

    weight = 1.0

    def __init__(self, scenes):
        self.scenes = scenes

    def draw(self, rng):
        scene = int(rng.choice(self.scenes))
        return Sample(TARGET, TARGET, False, (scene, scene))


def test_nothing_foreign_is_of_the_same_scene(tiny_config):
    config = tiny_config.replace({'augment.negative': 1.0, 'augment.distractor': 1.0})
    for scenes in ([3], [3, 4, 5]):
        dataset = PairDataset(None, config, length=20, seed=1, sources=[OneScene(scenes)],
                              finish=lambda plan: plan)
        for plan in (dataset[i] for i in range(20)):
            alone = len(scenes) == 1
            assert (plan.foreign is None) == (plan.distractor is None) == alone
            assert (plan.scenes == (3, 3)) if alone else (plan.scenes[0] != plan.scenes[1])
            assert np.isfinite(plan.box).all() == alone, 'a negative where there is another scene'


def test_a_clip_and_videos_that_begin_alike_are_one_scene_each(data, tiny_config, tmp_path):
    """As two targets of one video: neither is foreign to the other, in no kind of pair."""
    shutil.copytree(data / 'clips', tmp_path / 'clips')
    for name in ('one', 'other'):
        shutil.copytree(data / 'video' / 'seen', tmp_path / 'video' / name)
    boxes = '\n'.join(['100,60,20,20'] * 6)
    (tmp_path / 'video' / 'other' / 'groundtruth.txt').write_text(boxes)
    config = tiny_config.replace({'augment.negative': 1.0, 'augment.distractor': 1.0})
    pictures = read_pictures(tmp_path, config)
    clip, video = (set(np.array(pictures.scenes)[part]) for part in (
        pictures.plain, [index for frames, _ in pictures.videos for index in frames]))
    assert len(pictures.plain) == 2 and len(pictures.videos) == 2
    assert len(clip) == len(video) == 1 and clip != video
    plans_made = PairDataset(pictures, config, length=40, seed=1, finish=lambda plan: plan)
    for plan in (plans_made[i] for i in range(40)):
        assert set(plan.scenes) == clip | video, 'what is foreign is of the other scene'
    for kind in ('regions', 'videos'):
        alone = config.replace({'photos': 0.0, 'regions': 0.0, 'videos': 0.0, kind: 1.0})
        plans_made = PairDataset(pictures, alone, length=20, seed=1, finish=lambda plan: plan)
        assert all(plan.foreign is None and plan.scenes[0] == plan.scenes[1]
                   for plan in (plans_made[i] for i in range(20)))


@pytest.mark.parametrize('name', [
    'colour', 'grey', 'blur', 'downscale', 'compression', 'noise', 'occluder', 'distractor',
    'backdrop', 'still_elastic'])
def test_every_augmentation_does_something(data, tiny_config, name):
    calm = tiny_config.replace({**CALM, 'photos': 1.0, 'videos': 0.0, 'regions': 0.0})
    strong = calm.replace({f'augment.{name}': {'colour': 0.5, 'still_elastic': 0.1}.get(name, 1.0)})
    pictures = read_pictures(data, calm)
    before = [PairDataset(pictures, calm, length=4, seed=5)[i][1] for i in range(4)]
    after = [PairDataset(pictures, strong, length=4, seed=5)[i][1] for i in range(4)]
    assert any(not np.array_equal(a, b) for a, b in zip(before, after))


def test_hard_negatives_can_be_switched_off(data, tiny_config):
    config = tiny_config.replace({**CALM, 'photos': 1.0, 'videos': 0.0, 'regions': 0.0,
                                  'augment.hard_negative': 0.0})
    dataset = PairDataset(read_pictures(data, config), config, length=20, seed=1)
    assert all(np.isfinite(dataset[i][2]).all() for i in range(20))
