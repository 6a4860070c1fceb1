from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from siamx_ros.demo.clip import DemoClip


@pytest.fixture(scope='session')
def clip() -> DemoClip:
    """The whole clip of the demonstration."""
    return DemoClip()


@pytest.fixture(scope='session')
def colour_node() -> str:
    """Path of the stand-in for the tracker node."""
    return str(Path(__file__).parent / 'colour_node.py')


@pytest.fixture(scope='session')
def red_cup(tmp_path_factory, clip) -> Path:
    """Sixty frames of the clip as an image folder; the cup is seen in all of them."""
    folder = tmp_path_factory.mktemp('red_cup') / 'img'
    folder.mkdir()
    for index in range(60):
        cv2.imwrite(str(folder / f'{index}.jpg'), clip.image(index))
    return folder
