"""Outputs that cannot be written are refused before the work; what is broken off leaves nothing."""

import argparse
import errno
import os

import pytest

from siamx_ros import cli
from siamx_ros.commands.outputs import check_written
from siamx_ros.errors import InputError
from siamx_ros.files import new_folder

NONE = argparse.Namespace()


def test_a_place_that_is_something_else_is_refused(tmp_path):
    (tmp_path / 'file').write_text('kept')
    for given, sentence in (
            ({'files': {'--out': tmp_path}}, 'is a folder: name a file'),
            ({'files': {'--csv': tmp_path / 'file' / 'a.csv'}}, 'would lie in .*file, which is no'),
            ({'folders': {'--out': tmp_path / 'file'}}, 'is a file: name a folder'),
            ({'folders': {'--out': tmp_path / 'file' / 'a' / 'b'}}, 'would lie in .*file, which')):
        with pytest.raises(InputError, match=sentence):
            check_written(NONE, {}, **given)
    check_written(NONE, {}, {'--csv': tmp_path / 'file', '--video': tmp_path / 'new' / 'a.mp4'},
                  {'--out': tmp_path / 'results'})
    assert [path.name for path in tmp_path.iterdir()] == ['file']


def test_folders_within_the_results_are_the_commands_own(tmp_path):
    (tmp_path / 'node').mkdir()
    check_written(NONE, {}, {'--out node': tmp_path / 'node'}, {'--out': tmp_path})


@pytest.mark.parametrize('given', [
    {'files': {'--out': 'kept/a.json'}}, {'folders': {'--out': 'kept'}},
    {'folders': {'--out': 'kept/below/new'}}])
def test_what_may_not_be_changed_is_refused(tmp_path, monkeypatch, given):
    (tmp_path / 'kept').mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, 'access', lambda path, mode: 'kept' not in str(path))
    with pytest.raises(InputError, match='cannot be written: .*kept may not be changed'):
        check_written(NONE, {}, **given)


@pytest.mark.parametrize('number, status', [
    (errno.EACCES, 2), (errno.EISDIR, 2), (errno.ENAMETOOLONG, 2), (errno.ENOSPC, 1),
    (errno.EFBIG, 1)])
def test_what_cannot_be_opened_is_one_sentence(capsys, number, status):
    def work():
        raise OSError(number, os.strerror(number), 'place')
    assert cli.guarded(work) == status
    assert capsys.readouterr().err == (
        f'error: cannot {"use" if status == 2 else "write"} place: {os.strerror(number)}\n')


def test_an_error_of_ours_is_shown_in_full():
    def work():
        raise OSError(errno.EACCES, 'no file is named')
    with pytest.raises(OSError):
        cli.guarded(work)


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt])
def test_a_new_folder_is_there_when_it_is_whole(tmp_path, error):
    with pytest.raises(error):
        with new_folder(tmp_path / 'out') as folder:
            folder.mkdir()
            (folder / 'half').touch()
            assert not (tmp_path / 'out').exists()
            raise error
    assert not list(tmp_path.iterdir())
    with new_folder(tmp_path / 'out') as folder:
        folder.mkdir()
        (folder / 'whole').touch()
    assert [path.name for path in tmp_path.rglob('*')] == ['out', 'whole']
    with pytest.raises(InputError, match='exists already'):
        with new_folder(tmp_path / 'out'):
            pass
