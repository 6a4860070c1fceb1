"""What stands on a picture of the film."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from siamx_ros.simulation import film as film_module
from siamx_ros.simulation.episode import Moment
from siamx_ros.simulation.film import BAD, GOOD, Film
from siamx_ros.simulation.frame import CameraConfig, CameraFrame
from siamx_ros.simulation.world import World

CONFIG = CameraConfig()


@pytest.mark.parametrize('doing, colour', [
    ('following', GOOD), ('following: the target is 1.5 m away', GOOD),
    ('turning: the target is 50 degrees aside', BAD), ('searching: the tracker says LOST', BAD),
    ('standing: the tracker says UNCERTAIN for more than 0.5 s', BAD)])
def test_it_says_what_the_follower_does(world: World, tmp_path, monkeypatch, doing, colour) -> None:
    written = {}

    def write(image, text, place, font, scale, ink, *rest):
        written[text] = ink
        width = cv2.getTextSize(text, font, scale, 1)[0][0]
        assert place[0] + width <= image.shape[1], f'{text!r} does not fit'
        return image
    film = Film(tmp_path / 'film.mp4', world, CONFIG, 1.5)
    image, empty = np.zeros((480, 640, 3), np.uint8), np.zeros((240, 320), np.uint8)
    frame = CameraFrame(0.0, image, empty, empty, 1.0)
    still = (0.0, 0.0)
    moment = Moment(
        0.0, 1.5, 0.0, 1.0, '', None, still, still, doing, (0.0, 0.0, 0.0), ())
    monkeypatch.setattr(film_module.cv2, 'putText', write)
    film.picture(moment, frame)
    assert written[doing] == colour and 'distance 1.50 m' in written
