"""What a pair shows is what its box says; files that are missing or damaged are named."""

import logging
import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.config import NetworkConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.training import augment, plans, samples
from siamx_ros.training.augment import Placement
from siamx_ros.training.pairs import PairDataset, render
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.plans import make_plan
from siamx_ros.training.samples import Sample, Target

CALM = {f'augment.{name}': 0.0 for name in (
    'colour', 'grey', 'blur', 'downscale', 'noise', 'occluder', 'distractor', 'negative',
    'backdrop',
    'hard_negative')}


def red_box(patch):
    """Corners of the red pixels of a patch."""
    red = (patch[..., 2] > 120) & (patch[..., 1] < 100) & (patch[..., 0] < 100)
    ys, xs = np.nonzero(red)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])


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


TARGET = Target(lambda: None, BoundingBox(100, 80, 60, 40))


def many_plans(config, count=400):
    return [make_plan(Sample(TARGET, TARGET, False), TARGET, np.random.default_rng(seed),
                      config.augment) for seed in range(count)]


def test_zoom_changes_both_axes_alike_and_both_ways(tiny_config):
    """A normal deviate, cut off; without other jitter, nothing else changes a size."""
    calm = {**CALM, 'augment.search_scale': 0.0}
    sizes = {zoom: np.array([plan.box[2:] - plan.box[:2] for plan in many_plans(tiny_config.replace(
        {**calm, 'augment.search_zoom': zoom}))]) for zoom in (0.0, 0.2)}
    assert np.ptp(sizes[0.0], axis=0).max() < 1e-3
    change = np.log(sizes[0.2] / sizes[0.0][0])
    np.testing.assert_allclose(change[:, 0], change[:, 1], atol=1e-5)
    np.testing.assert_allclose(
        np.quantile(change[:, 0], [0, 0.16, 0.5, 0.84, 1]), [-0.5, -0.2, 0, 0.2, 0.5], atol=0.06)


def test_a_camera_of_low_resolution_shows_most_in_the_patch_that_magnifies_more(tiny_config):
    """The patch that shows the target twice as large shows each camera pixel twice as large."""
    config = tiny_config.replace({
        **CALM, 'augment.downscale': 1.0, 'augment.search_scale': 0.0, 'augment.search_zoom': 0.3,
        'augment.template_scale': 0.0})
    plain = many_plans(tiny_config.replace({**CALM, 'augment.search_scale': 0.0}), 1)[0].box
    normal = np.prod(plain[2:] - plain[:2])
    checked = 0
    for plan in many_plans(config):
        zoom = np.sqrt(np.prod(plan.box[2:] - plan.box[:2]) / normal)
        ratio = plan.appearance_x.downscale / plan.appearance_z.downscale
        if 1 < plan.appearance_x.downscale < 7:
            assert 0.84 * zoom < ratio < 1.21 * zoom
            checked += 1
        assert 1 <= plan.appearance_x.downscale <= 7
    assert checked > 200


def test_a_camera_compresses_both_patches(tiny_config):
    plans_made = many_plans(tiny_config.replace({**CALM, 'augment.compression': 0.5}), 200)
    qualities = [(plan.appearance_z.quality, plan.appearance_x.quality) for plan in plans_made]
    assert all(first == second for first, second in qualities)
    used = [first for first, _ in qualities if first]
    assert 70 < len(used) < 130 and 15 <= min(used) < 25 and 65 < max(used) < 75


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


def test_a_deformed_target_lies_in_its_deformed_box(tiny_config):
    """A red ellipse, deformed with its photograph: its pixels reach to the sides of the box."""
    image = np.full((400, 500, 3), 128, np.uint8)
    cv2.ellipse(image, (230, 180), (60, 40), 0, 0, 360, (0, 0, 255), -1)
    box = BoundingBox(170, 140, 120, 80)
    target = Target(lambda: image, box)
    config = tiny_config.replace(
        {**CALM, 'augment.still_elastic': 0.1, 'augment.still_rotation': 0.0}).augment
    for seed in range(30):
        plan = make_plan(Sample(target, target, True), target, np.random.default_rng(seed), config)
        np.testing.assert_allclose(plan.box, red_box(render(plan)[1]), atol=2.5)
        index = np.arange(255)
        waves = augment.cosines(index + 0.5, 255, 6)
        shift = waves @ plan.elastic @ waves.T
        straight = plan.place_x.box(box, 255)
        size = np.sqrt(np.prod(straight[2:] - straight[:2]))
        assert np.sqrt((shift ** 2).sum(0).mean()) < 0.12 * size
        assert np.abs(np.diff(shift[0], axis=1)).max() < 1, 'nothing is folded over'


def test_only_stills_are_deformed(tiny_config):
    config = tiny_config.replace({**CALM, 'augment.still_elastic': 0.1})
    assert all(plan.elastic is None for plan in many_plans(config, 5))


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


def test_negatives_carry_no_box(data, tiny_config):
    config = tiny_config.replace({'augment.negative': 1.0})
    dataset = PairDataset(read_pictures(data, config), config, length=4, seed=1)
    assert all(np.isnan(dataset[i][2]).all() for i in range(4))


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


def test_an_object_beside_the_target_is_a_hard_negative(tiny_config):
    """A red target and blue objects near and far: red is in the patch just when a box says so."""
    image = np.full((300, 700, 3), 200, np.uint8)
    target = BoundingBox(60, 120, 40, 50)
    other_objects = (BoundingBox(130, 100, 50, 50), BoundingBox(560, 150, 60, 40))
    blue = ((other, (255, 0, 0)) for other in other_objects)
    for box, colour in ((target, (0, 0, 255)), *blue):
        x0, y0, x1, y1 = map(int, box.corners)
        image[y0:y1, x0:x1] = colour
    config = tiny_config.replace({**CALM, 'augment.hard_negative': 1.0}).augment
    seen = Target(lambda: image, target)
    sample = Sample(seen, seen, True, other_objects=other_objects)
    present = other_centred = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        plan = make_plan(sample, seen, rng, config)
        template, search, box, *_ = render(plan)
        red = (search[..., 2] > 150) & (search[..., 1] < 100) & (search[..., 0] < 100)
        assert template[63, 63, 2] > 200, 'the template shows its own target'
        assert red.any() == np.isfinite(box).all(), seed
        other_centred += plan.search.inside is not None
        if red.any():
            present += 1
            centre = (box[:2] + box[2:]) / 2
            assert (np.abs(centre - 127.5) <= 100).all()
            if 2 < box[0] and 2 < box[1] and box[2] < 253 and box[3] < 253:
                ys, xs = np.nonzero(red)
                np.testing.assert_allclose(centre, [xs.mean() + 0.5, ys.mean() + 0.5], atol=1.5)
    assert 10 < present < 70 and other_centred > 50


def test_a_target_half_in_the_patch_is_no_hard_negative(tiny_config):
    """Where the target's centre is beyond the score map but a part shows, the patch stays at it."""
    target = Target(lambda: None, BoundingBox(100, 100, 40, 40))
    place = Placement(40 * 2 / 127, 40 * 2 / 127, 0.0, 0.0, 0.0)
    moved = {}
    for distance in (30, 60, 75, 90, 95, 110, 200):
        search, box = plans._beside(target, BoundingBox(100 + distance, 100, 30, 40), place)
        moved[distance] = (search.inside is not None, bool(np.isfinite(box).all()))
    assert moved == {30: (True, True), 60: (True, True), 75: (False, True), 90: (False, True),
                     95: (False, True), 110: (True, False), 200: (True, False)}


def test_hard_negatives_can_be_switched_off(data, tiny_config):
    config = tiny_config.replace({**CALM, 'photos': 1.0, 'videos': 0.0, 'regions': 0.0,
                                  'augment.hard_negative': 0.0})
    dataset = PairDataset(read_pictures(data, config), config, length=20, seed=1)
    assert all(np.isfinite(dataset[i][2]).all() for i in range(20))


def test_a_damaged_video_is_named_and_skipped_or_refused(data, tiny_config, tmp_path, caplog):
    root = tmp_path / 'train'
    shutil.copytree(data, root)
    (root / 'video' / 'seen' / 'groundtruth.txt').write_text('1,2,3\n')
    with caplog.at_level(logging.WARNING):
        assert read_pictures(root, tiny_config).videos == []
    assert 'seen' in caplog.text
    with pytest.raises(InputError, match='seen'):
        read_pictures(root, tiny_config.replace({'bad_files': 'refuse'}))


def test_a_video_of_a_held_out_recording_is_not_trained_on(data, tiny_config, tmp_path, caplog):
    """It begins with the same picture, but follows another target."""
    root = tmp_path / 'copy'
    shutil.copytree(data, root)
    shutil.copytree(root / 'video' / 'kept', root / 'video' / 'kept_too')
    assert len(read_pictures(root, tiny_config).videos) == 1
    assert 'kept_too is of the recording of a video that is held out' in caplog.text
    assert len(read_pictures(root, tiny_config, held_out=True).videos) == 1


def test_free_regions_lie_inside():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 200, 3), np.uint8)
    for _ in range(50):
        box = samples.free_region(image, rng)
        assert box.visible_share(200, 90) == pytest.approx(1) and min(box.w, box.h) >= 8


def test_a_picture_too_small_for_a_target_gives_no_regions(data, tiny_config, tmp_path):
    shutil.copytree(data, tmp_path / 'copy')
    before = read_pictures(data, tiny_config).plain
    cv2.imwrite(str(tmp_path / 'copy' / 'images' / 'speck.jpg'), np.zeros((2, 300, 3), np.uint8))
    after = read_pictures(tmp_path / 'copy', tiny_config)
    assert len(after.plain) == len(before)
    assert min(min(after.images[index].shape[:2]) for index in after.plain) > 2


def test_nothing_to_validate_on_is_reported(data, tiny_config, tmp_path):
    shutil.copytree(data / 'images', tmp_path / 'images')
    with pytest.raises(InputError, match='nothing to validate on.*one of the videos kept'):
        read_pictures(tmp_path, tiny_config, held_out=True)


def test_held_out_is_apart(data, tiny_config):
    training, held_out = (read_pictures(data, tiny_config, held_out=h) for h in (False, True))
    assert len(training.videos) == len(held_out.videos) == 1
    assert len(training.boxed) == 3 and len(held_out.boxed) == 1
    assert all((boxes[:, 2:] >= 10).all() for _, boxes in training.boxed)


@pytest.mark.parametrize('damage', ['cut off', 'far too large'])
def test_a_damaged_file_is_named_and_skipped_or_refused(data, tiny_config, tmp_path, caplog,
                                                        enlarged, damage):
    root = tmp_path / 'train'
    shutil.copytree(data, root)
    broken = root / 'video' / 'seen' / 'img' / '00000002.jpg'
    if damage == 'cut off':
        broken.write_bytes(broken.read_bytes()[:20])
    else:
        enlarged(broken)
    with caplog.at_level(logging.WARNING):
        pictures = read_pictures(root, tiny_config)
    assert '00000002.jpg' in caplog.text
    frames, boxes = pictures.videos[0]
    assert len(frames) == len(boxes) == 5
    with pytest.raises(InputError, match='00000002.jpg'):
        read_pictures(root, tiny_config.replace({'bad_files': 'refuse'}))


@pytest.mark.parametrize('prepare, message', [
    (lambda root: None, 'holds no pictures'),
    (lambda root: (root / 'boxes.json').write_text('{"a": '), 'not a JSON table'),
    (lambda root: (root / 'boxes.json').write_text('[]'), 'not a JSON table of boxes: got a list'),
    (lambda root: root.rmdir(), 'does not exist')])
def test_unusable_folder(tmp_path, tiny_config, prepare, message):
    root = tmp_path / 'data'
    root.mkdir()
    prepare(root)
    with pytest.raises(InputError, match=message):
        read_pictures(root, tiny_config)
