"""What torch and OpenCV keep once a process."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any, Callable

import cv2
import numpy as np
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError


def prepare_process(model: ModelConfig) -> None:
    """Set what torch and OpenCV keep once a process: their threads and the choice of kernels."""
    use_threads(model.threads)
    threading.Thread(target=_fill_tables).start()  # a daemon in C++ would abort an early exit
    if model.deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # as cuBLAS asks for
        torch.use_deterministic_algorithms(True)


def use_threads(threads: int) -> None:
    """Limit the threads of torch and OpenCV in this process; 0 leaves them."""
    if threads > 0:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)


def _fill_tables() -> None:
    """Convert a pixel to CIE Lab: the first time takes OpenCV a tenth of a second."""
    cv2.cvtColor(np.zeros((1, 1, 3), np.float32), cv2.COLOR_BGR2LAB)


def as_one_image(method: Callable) -> Callable:
    """Wrap a method that works on one image as the tracker's engine asks.

    The method raises InputError once the tracker is closed: it has no engine any more.
    """
    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.engine is None:
            raise InputError('the tracker is closed: it takes no more images, load another one')
        with self.engine.image_context():
            return method(self, *args, **kwargs)
    return wrapped
