"""One results folder and two replays that want it, or one that fails."""

import json

import pytest

from siamx_ros.cli import main
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.folder import results_folder

RANDOM = ('--weights', 'random', '--device', 'cpu', '--threads', '1')


def evaluate(bag, *arguments):
    return main(['evaluate-bag', str(bag), *map(str, arguments)])


@pytest.mark.parametrize('earlier', [False, True])
def test_a_folder_that_another_replay_writes_into(tmp_path, bag, static, capfd, earlier):
    """The second is refused, and the first is not disturbed."""
    out = tmp_path / 'out'
    if earlier:
        assert evaluate(bag, *RANDOM, '--out', out) == 0
    with results_folder(out, overwrite=True) as place:
        (place / 'summary.json').write_text('the first')
        assert evaluate(bag, *RANDOM, '--out', out, '--overwrite') == 2
        assert f'another process is writing its results into {out}' in capfd.readouterr().err
        assert (place / 'summary.json').read_text() == 'the first'
    assert (out / 'summary.json').read_text() == 'the first'
    assert [path.name for path in out.iterdir()] == ['summary.json']
    assert evaluate(bag, *RANDOM, '--out', out, '--overwrite') == 0
    assert json.loads((out / 'summary.json').read_text())['bag']['name'] == 'walk'


def test_a_folder_is_free_again_after_a_replay_that_failed(tmp_path):
    out = tmp_path / 'out'
    for _ in range(2):
        with pytest.raises(InputError, match='no image'), results_folder(out, False):
            raise InputError('no image')
        assert not out.exists()
