"""A tiny training folder, written by the tests."""

import json
import struct

import cv2
import numpy as np
import pytest

from siamx_ros.config import NetworkConfig
from siamx_ros.training import loading
from siamx_ros.training import run as run_module
from siamx_ros.training import train as module
from siamx_ros.training.train_config import TrainConfig


@pytest.fixture(scope='module')
def small_validation():
    """Validation by eight pairs."""
    patch = pytest.MonkeyPatch()
    patch.setattr(loading, 'VALIDATION_PAIRS', 8)
    yield
    patch.undo()


@pytest.fixture(scope='session')
def tiny_config():
    """Seconds on a CPU: a very narrow network, batches of four, full precision."""
    network = NetworkConfig(
        backbone='light', widths=(8, 8, 8, 8), blocks=(1, 1, 1), channels=8, tower_depth=1)
    return TrainConfig().replace({
        'network': network.to_dict(), 'batch': 4, 'steps': 6, 'steps_per_epoch': 3,
        'negatives': 1, 'precision': 'fp32', 'workers': 0, 'held_out': ('kept',),
        'warmup': 0.0, 'frozen': 0.0, 'fixed_parts': 0, 'fixed_norm': False})


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    """Four boxed photographs, two plain ones, one clip and two videos of six frames."""
    root = tmp_path_factory.mktemp('train')
    rng = np.random.default_rng(0)
    (root / 'images').mkdir()
    boxes = {}
    for i in range(6):
        image = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (160, 120))
        cv2.imwrite(str(root / 'images' / f'photo_{i}.jpg'), image)
        if i < 4:
            boxes[f'photo_{i}.jpg'] = [[20 + 5 * i, 30, 50, 40], [100, 50, 6, 6]]
    (root / 'boxes.json').write_text(json.dumps(boxes))
    _frames(root / 'clips' / 'run', rng, 2)
    for name in ('seen', 'kept'):
        _frames(root / 'video' / name / 'img', rng, 6)
        lines = [f'{30 + 4 * i},40,30,36' for i in range(6)]
        lines[3] = 'nan,nan,nan,nan'
        (root / 'video' / name / 'groundtruth.txt').write_text('\n'.join(lines))
    return root


@pytest.fixture
def enlarged():
    """A function that has the header of a JPEG file give 60100 x 60100 pixels."""
    def enlarge(path):
        content = bytearray(path.read_bytes())
        start = content.index(b'\xff\xc0') + 5
        content[start:start + 4] = struct.pack('>HH', 60100, 60100)
        path.write_bytes(content)
    return enlarge


@pytest.fixture
def interrupted():
    """A function that runs one epoch of a longer run, as if killed after its checkpoint."""
    def run(data, out, config, **options):
        original = run_module.Run._report

        def report_and_die(self, row, bar):
            original(self, row, bar)
            raise KeyboardInterrupt
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_module.Run, '_report', report_and_die)
            with pytest.raises(KeyboardInterrupt):
                module.train(data, out, config, device='cpu', **options)
    return run


def _frames(folder, rng, count):
    folder.mkdir(parents=True)
    background = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (160, 120))
    background[..., 2] = 60
    for i in range(count):
        image = background.copy()
        image[40:76, 30 + 4 * i:60 + 4 * i] = (0, 0, 200)
        cv2.imwrite(str(folder / f'{i + 1:08d}.jpg'), image)
