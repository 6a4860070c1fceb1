"""A small clip as images and as a video, and commands that run in this process."""

from __future__ import annotations

from pathlib import Path
import subprocess

import cv2
import pytest

from siamx_ros.cli import main
from siamx_ros.synthetic import sequence


@pytest.fixture
def here(capfd):
    """A function that runs a command in this process, and gives what a process would."""
    def run(*arguments: object) -> subprocess.CompletedProcess:
        capfd.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code or 0
        return subprocess.CompletedProcess(arguments, status, *capfd.readouterr())
    return run


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Twelve frames as images and, beside them, as a video."""
    base = tmp_path_factory.mktemp('clip')
    (base / 'img').mkdir()
    clip = sequence(frames=12)
    video = cv2.VideoWriter(
        str(base / 'clip.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 25.0, (320, 240))
    for index, image in enumerate(clip):
        cv2.imwrite(str(base / 'img' / f'{index}.png'), image)
        video.write(image)
    video.release()
    return base


@pytest.fixture(scope='module')
def box() -> str:
    return str(sequence(frames=1).first_box)
