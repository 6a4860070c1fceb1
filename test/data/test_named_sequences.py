"""Sequences that are asked for by name, beside others that are damaged."""

from benchmark_folders import WRITERS
import pytest
from square_sequence import write_square

from siamx_ros.cli import main
from siamx_ros.data import folders
from siamx_ros.data.catalogue import DATASETS
from siamx_ros.data.folders import read_named, read_sequences
from siamx_ros.errors import InputError


@pytest.fixture
def half_damaged(tmp_path):
    """Sequences a, b and c, of which b has a box too few."""
    for name in 'abc':
        write_square(tmp_path / name, [(20 + 2 * i, 9, 24, 24) for i in range(3)], (80, 60))
    truth = tmp_path / 'b' / 'groundtruth.txt'
    truth.write_text(''.join(truth.read_text().splitlines(keepends=True)[:2]))
    return tmp_path


def test_only_those_that_are_asked_for_are_opened(half_damaged, monkeypatch):
    opened = []
    read = folders.read_folder
    monkeypatch.setattr(folders, 'read_folder', lambda path: opened.append(path.name) or read(path))
    assert [each.name for each in read_sequences(half_damaged, ['c', 'a'])] == ['c', 'a']
    assert opened == ['a', 'c']


@pytest.mark.parametrize('name, sentence', [
    ('b', r"no sequence 'b' that can be read \(.*b has 3 images but 2 boxes\); known: a"),
    ('d', r"no sequence 'd'; known: a, b, c")])
def test_one_that_is_asked_for_and_cannot_be_read(half_damaged, name, sentence):
    with pytest.raises(InputError, match=sentence):
        read_sequences(half_damaged, ['a', name])


@pytest.mark.parametrize('command', [
    ['evaluate', '--trackers', 'siamx'], ['evaluate', '--trackers', 'siamx', '--benchmark', 'vot'],
    ['drive']])
def test_commands_go_on_beside_a_damaged_sequence(half_damaged, capfd, command):
    arguments = [*command, str(half_damaged), '--weights', 'random', '--device', 'cpu', '--threads',
                 '1']
    assert main([*arguments, '--sequences', 'c,a']) == 0
    first_words = [line.split(' ')[0] for line in capfd.readouterr().out.splitlines()]
    assert list(dict.fromkeys(word for word in first_words if len(word) == 1)) == ['c', 'a']
    assert main(arguments) == 2
    assert 'b has 3 images but 2 boxes' in capfd.readouterr().err
    assert main([*arguments, '--sequences', '']) == 2
    assert "--sequences takes names with commas between them, got ''" in capfd.readouterr().err


@pytest.mark.parametrize('kind, asked, damaged', [
    ('got10k', 'GOT-10k_Val_000002', 'GOT-10k_Val_000001'), ('vot', 'ants1', 'agility'),
    ('otb', 'Jogging.2', 'David')])
def test_benchmarks(tmp_path, kind, asked, damaged):
    """Whose entries do not tell their names: what cannot be read is passed over."""
    WRITERS[kind](tmp_path)
    for path in tmp_path.rglob(f'{damaged}/**/*.jpg'):
        path.unlink()
    assert [each.name for each in read_named(DATASETS[kind]['test'](tmp_path), [asked])] == [asked]
    with pytest.raises(InputError, match=f"'{damaged}' that can be read .*{damaged} has 0 images"):
        read_named(DATASETS[kind]['test'](tmp_path), [damaged])


@pytest.mark.parametrize('options, sentence', [
    (['--benchmark', 'voot'], "unknown benchmark 'voot'"),
    (['--benchmark', 'otb'], 'holds no sequence in the layout of otb'),
    (['--sequences', 'd'], "there is no sequence 'd'; known: a, b, c")])
def test_other_mistakes_are_named_as_ever(half_damaged, capfd, options, sentence):
    assert main(['evaluate', str(half_damaged), '--sequences', 'a', *options]) == 2
    assert sentence in capfd.readouterr().err
