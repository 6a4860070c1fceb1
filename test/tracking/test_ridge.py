"""The target's own classifier against an explicit weighted least-squares problem."""

import time

import numpy as np
import pytest
import torch

from siamx_ros.tracking import ridge
from siamx_ros.tracking.ridge import RidgeFilter


@pytest.fixture
def features():
    return np.random.default_rng(3).normal(size=(6, 31, 31)).astype(np.float32)


def slow_weights(model, patches):
    """Stacked weighted rows, one per place and patch, solved by lstsq with ridge rows appended.

    The places are the 31 x 31 cells and those around them, which see the outermost cells.
    """
    rows = []
    for features, centre, size, share in patches:
        channels = len(features)
        reduced = np.array([[model._basis.T @ (features[:, y, x] - model._mean)
                             for x in range(31)] for y in range(31)])
        for y in range(-1, 32):
            for x in range(-1, 32):
                row = []
                for dy in (-1, 0, 1):
                    for dx in (-1, 0, 1):
                        inside = 0 <= y + dy < 31 and 0 <= x + dx < 31
                        row.append(reduced[y + dy, x + dx] if inside else np.zeros(channels))
                gauss = 1.0
                for place, middle, side in ((x, centre[0], size[0]), (y, centre[1], size[1])):
                    spread = min(max(0.2 * side, 6), 40)
                    gauss *= np.exp(-0.5 * ((8 * place + 7.5 - middle) / spread) ** 2)
                rows.append((np.append(np.concatenate(row), 1.0), gauss, share))
    is_target = np.array([gauss > 0.1 for _, gauss, _ in rows])
    per_patch = len(rows) // len(patches)
    matrix, goal = [], []
    for index, (row, gauss, share) in enumerate(rows):
        mine = is_target[index // per_patch * per_patch:][:per_patch]
        weight = share * (0.3 / mine.sum() if gauss > 0.1 else 0.7 / (~mine).sum())
        matrix.append(np.sqrt(weight) * row)
        goal.append(np.sqrt(weight) * gauss)
    size = len(matrix[0])
    matrix = np.vstack([matrix, np.sqrt(ridge.RIDGE) * np.eye(size)])
    return np.linalg.lstsq(matrix, np.concatenate([goal, np.zeros(size)]), rcond=None)[0]


@pytest.mark.parametrize('centre', [(120.0, 130.0), (-40.0, 120.0), (4.0, 3.0), (600.0, 600.0)])
def test_weights_are_those_of_the_explicit_problem(features, centre):
    """Also of a target at or beyond the edge of the patch."""
    other, size = np.roll(features, 3, axis=2), (60.0, 40.0)
    model = RidgeFilter(features)
    model.learn(features, centre, size, 1.0)
    model.learn(other, (144.0, 130.0), size, 0.25)
    model.solve()
    wanted = slow_weights(model, [(features, centre, size, 0.75),
                                  (other, (144.0, 130.0), size, 0.25)])
    np.testing.assert_allclose(model._weights, wanted, atol=2e-4)


def test_responses_are_the_weighted_components_of_each_neighbourhood(features):
    """On features far from a mean of zero, as a ReLU leaves them."""
    features = 2 * np.abs(features) + np.arange(6, dtype=np.float32)[:, None, None]
    model = RidgeFilter(features)
    model.learn(features, (120.0, 130.0), (60.0, 40.0), 1.0)
    model.solve()
    seen = np.roll(features, 5, axis=1)
    wanted = np.zeros((25, 25))
    for row in range(25):
        for column in range(25):
            near = [model._basis.T @ (seen[:, row + 3 + dy, column + 3 + dx] - model._mean)
                    for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            wanted[row, column] = model._weights @ np.append(np.concatenate(near), 1.0)
    assert np.ptp(wanted) > 0.3
    np.testing.assert_allclose(model.respond(seen), wanted, atol=1e-4)


def test_responds_where_the_target_went(features):
    model = RidgeFilter(features)
    model.learn(features, (127.5, 127.5), (64.0, 64.0), 1.0)
    model.solve()
    moved = model.respond(np.roll(features, (2, -4), axis=(1, 2)))
    assert moved.shape == (25, 25)
    peak = np.unravel_index(moved.argmax(), moved.shape)
    assert np.abs(np.subtract(peak, (14, 8))).max() <= 1
    assert moved.max() > 0.4 > 2 * np.median(moved)
    larger = np.tile(features, (1, 2, 2))[:, :47, :47]
    assert model.respond(larger).shape == (41, 41)


def test_an_empty_picture_teaches_something_finite():
    flat = np.ones((96, 25, 25), np.float32)
    model = RidgeFilter(flat)
    model.learn(flat, (100.0, 100.0), (40.0, 40.0), 1.0)
    model.solve()
    assert np.isfinite(model.respond(flat)).all()


def test_how_the_features_lie_in_memory_changes_nothing(features):
    responses = []
    for seen in (features, np.ascontiguousarray(features.transpose(1, 2, 0)).transpose(2, 0, 1)):
        model = RidgeFilter(seen)
        model.learn(seen, (120.0, 130.0), (60.0, 40.0), 1.0)
        model.solve()
        responses.append(model.respond(seen))
    np.testing.assert_allclose(*responses, atol=1e-5)


def test_no_thread_goes_on_spinning_after_a_response():
    """What libraries with threads of their own do: at 30 images a second, that is a whole core."""
    features = np.random.default_rng(3).normal(size=(320, 31, 31)).astype(np.float32)
    model, threads = RidgeFilter(features), torch.get_num_threads()
    torch.set_num_threads(1)  # as a tracker does
    try:
        time.sleep(0.3)  # what ran before comes to rest
        before = time.process_time() - time.thread_time()
        for _ in range(20):
            model.respond(features)
            time.sleep(0.02)
        assert time.process_time() - time.thread_time() - before < 0.1
    finally:
        torch.set_num_threads(threads)
