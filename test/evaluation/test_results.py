"""Results that cannot be written are named, and nothing is left of them."""

import os

import pytest

from siamx_ros.figures import new_figure, save_figure
from siamx_ros.whole_files import write_text


@pytest.mark.parametrize('write', [
    lambda path: write_text(path, 'a table'), lambda path: save_figure(new_figure(2, 2), path)])
def test_a_full_disk(tmp_path, write):
    path = tmp_path / 'result'
    (tmp_path / 'result.partial').symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left on device') as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())
    write(path)
    assert path.stat().st_size and [each.name for each in tmp_path.iterdir()] == ['result']


def test_names_that_are_not_utf_8_are_written_as_escapes(tmp_path):
    write_text(tmp_path / 'table.csv', 'caf\u00e9 ' + os.fsdecode(b'caf\xe9') + '\n')
    assert (tmp_path / 'table.csv').read_bytes() == b'caf\xc3\xa9 caf\\udce9\n'
