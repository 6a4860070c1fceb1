"""Numbers, flags and names as people's editors and tools leave them."""

import numpy as np
import pytest

from siamx_ros.data.textfiles import read_flags, read_names, read_numbers, select_listed
from siamx_ros.errors import InputError

MARK = b'\xef\xbb\xbf'


@pytest.mark.parametrize('content', [
    b'0,1,0', b'0\n1\n0\n', b'0 1 0', b'0;1;0', b'0.0,1.0,0.0', b'False,True,false',
    MARK + b'0,1,0', b'0\r\n1\r\n0\r\n', b'0,1,0,'])
def test_flags(tmp_path, content):
    (tmp_path / 'flags').write_bytes(content)
    assert read_flags(tmp_path / 'flags', 3).tolist() == [0, 1, 0]


@pytest.mark.parametrize('text, sentence', [
    ('0,yes,0', "flag 2 of .*flags must be a whole number from 0 to 1, got 'yes'"),
    ('0,2,0', 'got .2'), ('0,-1,0', 'got .-1'), ('0,nan,0', 'got .nan'), ('0,0.5,0', 'got .0.5'),
    ('0,1', 'holds 2 flags for 3 boxes'), ('', 'holds 0 flags for 3 boxes')])
def test_what_is_no_flag_is_refused(tmp_path, text, sentence):
    (tmp_path / 'flags').write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_flags(tmp_path / 'flags', 3)


@pytest.mark.parametrize('content', [
    b'a\nb-1\n', b'a,b-1', b'a; b-1', MARK + b'a\r\nb-1\r\n', b'x/a\nx/y/b-1/\n',
    b'x\\a\nx\\b-1\n'])
def test_names(tmp_path, content):
    (tmp_path / 'list').write_bytes(content)
    assert read_names(tmp_path / 'list') == ['a', 'b-1']


@pytest.mark.parametrize('text', ['', '\n', 'a\n/\n'])
def test_a_list_without_names_is_refused(tmp_path, text):
    (tmp_path / 'list').write_text(text)
    with pytest.raises(InputError, match='must hold names of sequences'):
        read_names(tmp_path / 'list')


def test_listed_folders(tmp_path):
    folders = [tmp_path / name for name in ('a', 'B', 'c')]
    listed = tmp_path / 'list'
    listed.write_text('C\nb\n')
    assert select_listed(listed, folders) == [tmp_path / 'c', tmp_path / 'B']
    listed.write_text('a\nd\ne\n')
    with pytest.raises(InputError, match="names 2 sequences that are not there, such as 'd'"):
        select_listed(listed, folders)
    listed.write_text('a\nC\nc\n')
    with pytest.raises(InputError, match="names the sequence 'c' more than once"):
        select_listed(listed, folders)
    with pytest.raises(InputError, match='are two sequences of one name'):
        select_listed(listed, [*folders, tmp_path / 'x' / 'b'])


@pytest.mark.parametrize('content, expected', [
    (b'1,2\n3,4\n', [[1, 2], [3, 4]]), (MARK + b'1 2\n3;4', [[1, 2], [3, 4]]),
    (b'1,2,\n3\t4\n\n', [[1, 2], [3, 4]]), (b'1,2\nnan\n', [[1, 2], [np.nan, np.nan]]),
    (b'1,2,3\n', [[1, 2, 3]]), (b'nan', [[np.nan, np.nan]]), (b'', np.zeros((0, 2)))])
def test_numbers(tmp_path, content, expected):
    (tmp_path / 'numbers').write_bytes(content)
    np.testing.assert_array_equal(read_numbers(tmp_path / 'numbers', 2, 3), expected)


@pytest.mark.parametrize('text, number', [
    ('1,2\n\n3,4\n', 2), ('1,2\n1,2,3\n', 2), ('1\n', 1), ('1,2\n1,x\n', 2), ('1,2\n1,inf\n', 2),
    ('1,2\n# 3\n', 2)])
def test_other_lines_are_named(tmp_path, text, number):
    (tmp_path / 'numbers').write_text(text)
    with pytest.raises(InputError, match=f'line {number}, must hold 2 or 3 numbers'):
        read_numbers(tmp_path / 'numbers', 2, 3)
