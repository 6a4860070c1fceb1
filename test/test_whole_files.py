"""Files are there whole or as before, and an error names the one that cannot be written."""

import errno
from pathlib import Path

import pytest

from siamx_ros.whole_files import write_whole


def test_a_file_and_its_folders_are_made(tmp_path):
    path = tmp_path / 'a' / 'b' / 'c.bin'
    write_whole(path, b'one')
    write_whole(str(path), memoryview(b'two'))
    assert path.read_bytes() == b'two'
    assert [each.name for each in path.parent.iterdir()] == ['c.bin']


@pytest.mark.parametrize('step', ['write_bytes', 'replace'])
def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch, step):
    path = tmp_path / 'a.bin'
    write_whole(path, b'before')

    def full_disk(partial, *_):
        with open(partial, 'wb') as file:
            file.write(b'ha')
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(Path, step, full_disk)
    with pytest.raises(OSError) as caught:
        write_whole(path, b'half')
    assert caught.value.filename == str(path) and caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b'before' and len(list(tmp_path.iterdir())) == 1


def test_the_target_is_named_and_not_the_temporary_file(tmp_path):
    (tmp_path / 'a.bin').mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(tmp_path / 'a.bin', b'')
    assert caught.value.filename == str(tmp_path / 'a.bin') and caught.value.filename2 is None
    (tmp_path / 'b.bin.partial').mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(tmp_path / 'b.bin', b'')
    assert caught.value.filename == str(tmp_path / 'b.bin')
