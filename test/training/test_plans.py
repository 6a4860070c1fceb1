"""What is chosen for a pair before a pixel is touched: zoom, camera, deformation, negatives."""

import cv2
import numpy as np
from training_pairs import CALM, TARGET, red_box

from siamx_ros.geometry import BoundingBox
from siamx_ros.training import augment, plans
from siamx_ros.training.augment import Placement
from siamx_ros.training.pairs import render
from siamx_ros.training.plans import make_plan
from siamx_ros.training.samples import Sample, Target


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


def camera(changes):
    """Loss of resolution and compression of a patch."""
    made = [change.keywords for change in changes if change.func is augment.downscaled]
    return made[0] if made else {'factor': 1.0, 'quality': 0}


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
        first, second = (camera(changes)['factor'] for changes in (plan.changes_z, plan.changes_x))
        if 1 < second < 7:
            assert 0.84 * zoom < second / first < 1.21 * zoom
            checked += 1
        assert 1 <= second <= 7
    assert checked > 200


def test_a_camera_compresses_both_patches(tiny_config):
    plans_made = many_plans(tiny_config.replace({**CALM, 'augment.compression': 0.5}), 200)
    qualities = [(camera(plan.changes_z)['quality'], camera(plan.changes_x)['quality'])
                 for plan in plans_made]
    assert all(first == second for first, second in qualities)
    used = [first for first, _ in qualities if first]
    assert 70 < len(used) < 130 and 15 <= min(used) < 25 and 65 < max(used) < 75


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
