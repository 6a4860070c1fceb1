"""Files as they are given: pointers, names, and outputs that are inputs."""

import os

import cv2
import numpy as np
import pytest

from siamx_ros.drawing import draw_note
from siamx_ros.errors import InputError
from siamx_ros.files import LFS_POINTER, check_outputs
from siamx_ros.imaging import read_image
from siamx_ros.model.weights import load_checkpoint
from siamx_ros.recording import VideoRecorder
from siamx_ros.frame_sources import open_source

NOT_UTF8 = os.fsdecode(b'caf\xe9')


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / 'clip.mp4'
    path.write_bytes(b'the only recording')
    return path


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / 'img'
    path.mkdir()
    (path / '1.png').write_bytes(b'picture')
    return path


def other_names(path, place):
    """The same file by another way, a symbolic and a hard link."""
    os.symlink(path, place / 'symbolic')
    os.link(path, place / 'hard')
    return [path, path.parent / '..' / path.parent.name / path.name, place / 'symbolic',
            place / 'hard']


def test_an_output_that_is_an_input_is_refused(clip, tmp_path):
    for name in other_names(clip, tmp_path):
        with pytest.raises(InputError, match='--csv .* would replace SOURCE .*clip.mp4'):
            check_outputs({'SOURCE': clip}, {'--csv': name})


def test_a_picture_of_an_input_folder_is_refused(folder, tmp_path):
    for name in other_names(folder / '1.png', tmp_path):
        with pytest.raises(InputError, match='would replace SOURCE'):
            check_outputs({'SOURCE': folder}, {'--csv': name})


def test_two_outputs_that_are_one_are_refused_though_nothing_is_there(tmp_path):
    place = tmp_path / 'new.csv'
    with pytest.raises(InputError, match='--video and --csv are the same file'):
        check_outputs({}, {'--csv': place, '--video': tmp_path / '.' / 'new.csv'})
    assert not place.exists()


def test_a_folder_of_results_in_its_input_is_refused(folder):
    for place in (folder, folder / 'results', folder / '..' / 'img' / 'results'):
        with pytest.raises(InputError, match='lies in DATA .*img'):
            check_outputs({'DATA': folder}, {}, {'--out': place})
        assert sorted(path.name for path in folder.iterdir()) == ['1.png']


def test_an_input_in_a_folder_that_is_replaced_is_refused(folder, tmp_path):
    for name in other_names(folder / '1.png', tmp_path)[:-1]:
        with pytest.raises(InputError, match='--out img .*img would replace TRUTH'):
            check_outputs({'TRUTH': name}, {'--out img': folder})


def test_outputs_beside_the_inputs_are_taken(clip, folder, tmp_path):
    check_outputs({'SOURCE': clip, 'DATA': folder, '--weights': None},
                  {'--csv': tmp_path / 'a.csv', '--video': folder / 'new.mp4', '--log': None},
                  {'--out': tmp_path / 'results'})
    (tmp_path / 'a.csv').touch()
    os.link(tmp_path / 'a.csv', tmp_path / 'b.csv')
    check_outputs({'DATA': folder}, {'--csv': tmp_path / 'a.csv'})


@pytest.mark.parametrize('read', [read_image, open_source, load_checkpoint])
def test_what_git_lfs_did_not_fetch_is_said(tmp_path, read):
    path = tmp_path / 'pointer.pt'
    path.write_bytes(LFS_POINTER + b'v1\noid sha256:0\nsize 4\n')
    with pytest.raises(InputError, match='pointer.pt is a Git LFS pointer.*git lfs pull'):
        read(str(path))


def test_names_that_are_not_utf_8_are_read_drawn_or_refused(tmp_path):
    image = np.full((48, 64, 3), 90, np.uint8)
    picture = tmp_path / f'{NOT_UTF8}.png'
    picture.write_bytes(cv2.imencode('.png', image)[1].tobytes())
    assert (read_image(picture) == image).all()
    assert draw_note(image, NOT_UTF8).shape == image.shape
    (tmp_path / f'{NOT_UTF8}.mp4').write_bytes(b'video')
    with pytest.raises(InputError, match='not UTF-8'):
        open_source(str(tmp_path / f'{NOT_UTF8}.mp4'))
    with pytest.raises(InputError, match='not UTF-8'):
        VideoRecorder(tmp_path / f'new{NOT_UTF8}.avi', 30, 64, 48)
    assert not (tmp_path / f'new{NOT_UTF8}.avi').exists()
