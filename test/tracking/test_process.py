"""What a model's settings change for the whole process."""

from command_line import python
import cv2
import pytest
import torch

from siamx_ros import load_tracker
from siamx_ros.config import ModelConfig


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """Leave the process to other tests as it was."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':16:8')
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])
    torch.use_deterministic_algorithms(False)


def load(**settings):
    return load_tracker(ModelConfig(weights='random', device='cpu', runtime='torch', **settings))


def test_threads():
    load(threads=3)
    assert torch.get_num_threads() == cv2.getNumThreads() == 3
    load()
    assert torch.get_num_threads() == cv2.getNumThreads() == 3
    load(threads=1)
    assert torch.get_num_threads() == 1


def test_deterministic_kernels():
    load()
    assert not torch.are_deterministic_algorithms_enabled()
    load(deterministic=True)
    assert torch.are_deterministic_algorithms_enabled()


def test_a_process_may_end_at_once():
    """Whatever of OpenCV is made ready beside it."""
    done = python('-c', 'from siamx_ros.config import ModelConfig\n'
                        'from siamx_ros.tracking.process import prepare_process\n'
                        'prepare_process(ModelConfig())')
    assert done.returncode == 0, done.stderr
