"""Photographs and the table of their boxes, however both are named."""

import json

import numpy as np
import pytest

from siamx_ros.data.photographs import list_photographs, read_photo_boxes
from siamx_ros.errors import InputError, name_some

NAMES = 'a.jpg', 'b.JPG', 'c.jpeg', 'd.png', 'deep/e.jpg'


@pytest.fixture
def root(tmp_path):
    for name in (*NAMES, 'notes.txt', '.hidden.jpg'):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')
    return tmp_path


def read(root, names):
    (root / 'boxes.json').write_text(json.dumps({name: [[1, 2, 30, 40]] for name in names}))
    photos = list_photographs(root / 'images')[0]
    return read_photo_boxes(root / 'boxes.json', root / 'images', photos)


def test_photographs_by_any_suffix(root):
    photos, others = list_photographs(root / 'images')
    assert [path.relative_to(root / 'images').as_posix() for path in photos] == list(NAMES)
    assert [path.name for path in others] == ['notes.txt']
    assert list_photographs(root / 'none') == ([], [])


@pytest.mark.parametrize('written', [
    '{}', 'images/{}', './{}', './images/{}', '/elsewhere/{}', 'C:\\photos\\{}'])
@pytest.mark.parametrize('case', [str, str.upper, str.lower])
def test_boxes_by_name_with_and_without_folder_in_any_case(root, written, case):
    found, unknown = read(root, [written.format(case(name)) for name in NAMES])
    assert [path.relative_to(root / 'images').as_posix() for path in found] == list(NAMES)
    assert unknown == []
    np.testing.assert_array_equal(found[root / 'images' / 'b.JPG'], [[1, 2, 30, 40]])


def test_what_has_no_photograph_is_returned(root):
    (root / 'images' / 'deep' / 'a.jpg').write_bytes(b'')
    found, unknown = read(root, ['a.jpg', 'z.jpg', 'elsewhere/a.jpg'])
    assert list(found) == [root / 'images' / 'a.jpg']
    assert unknown == ['z.jpg', 'elsewhere/a.jpg'], 'two are named a.jpg: which one is not known'


def test_a_photograph_is_named_once(root):
    with pytest.raises(InputError, match='a.jpg twice'):
        read(root, ['a.jpg', 'images/a.jpg'])


def test_the_same_name_twice_is_refused(root):
    (root / 'boxes.json').write_text('{"a.jpg": [[1, 2, 3, 4]], "a.jpg": [[5, 6, 7, 8]]}')
    with pytest.raises(InputError, match="it names 'a.jpg' twice"):
        read_photo_boxes(root / 'boxes.json', root / 'images', [])


@pytest.mark.parametrize('text', ['{"a.jpg": [[1, 2, NaN, 4]]}', '{"a.jpg": [[1, 2, 3]]}', '3',
                                  '{"a.jpg": [[1, 2, 3, 2, 3, 4, 1, 4]]}', '{"a.jpg": {"x": 1}}',
                                  '{"a.jpg": [1, 2, 3, 4]}'])
def test_a_damaged_table(root, text):
    (root / 'boxes.json').write_text(text)
    with pytest.raises(InputError, match='not a JSON table of boxes'):
        read_photo_boxes(root / 'boxes.json', root / 'images', [])


def test_a_table_behind_a_mark(root):
    (root / 'boxes.json').write_bytes(b'\xef\xbb\xbf{"a.jpg": []}')
    found, _ = read_photo_boxes(root / 'boxes.json', root / 'images', [root / 'images' / 'a.jpg'])
    assert found[root / 'images' / 'a.jpg'].shape == (0, 4)


def test_long_lists_are_cut():
    assert name_some(list('abc')) == 'a, b, c'
    assert name_some(list('abcdefgh')) == 'a, b, c, d, e and 3 more'
