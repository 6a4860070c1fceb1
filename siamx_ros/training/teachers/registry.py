"""All teachers by name; a new one is a file here and a row."""

from __future__ import annotations

from pathlib import Path

from siamx_ros.settings import SettingsError
from siamx_ros.training.teachers.answer import Teacher
from siamx_ros.training.teachers.fear import Fear
from siamx_ros.training.teachers.lighttrack import LightTrack

TEACHERS = {'fear': Fear, 'lighttrack': LightTrack}
"""Name -> what makes the teacher of a folder."""


def load_teachers(specs: tuple[str, ...]) -> list[Teacher]:
    """The teachers of ``NAME:FOLDER`` texts.

    Raises:
        SettingsError: it is written otherwise.
        WeightsError: a file is missing or cannot be read.
    """
    teachers = []
    for spec in specs:
        name, _, folder = spec.partition(':')
        if name not in TEACHERS or not folder:
            raise SettingsError(
                f'a teacher is written NAME:FOLDER with NAME {" or ".join(TEACHERS)}, got {spec!r}')
        teachers.append(TEACHERS[name](Path(folder)))
    return teachers
