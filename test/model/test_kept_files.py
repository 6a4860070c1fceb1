"""What is kept for the next process, and that nothing depends on it."""

import os
from pathlib import Path

import numpy as np
from patches import patches
import pytest

from siamx_ros.config import ModelConfig
from siamx_ros.model import kept_files, openvino_engine, openvino_graph
from siamx_ros.model.kept_files import KeptFiles, digest
from siamx_ros.model.runtime import make_engine

needs_openvino = pytest.mark.skipif(
    not openvino_graph.is_installed(), reason='openvino is not installed')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_files, 'FOLDER', tmp_path / 'kept')
    return tmp_path / 'kept' / 'things'


@pytest.fixture
def kept(folder):
    return KeptFiles('things', 2)


def test_what_is_kept_is_read_again(kept, folder):
    assert kept.read('a') is None
    kept.write('a', b'first')
    kept.write('a', b'second')
    assert kept.read('a') == b'second' and [path.name for path in folder.iterdir()] == ['a']


@pytest.mark.parametrize('damage', [
    lambda data: data[:-1], lambda data: data[:10], lambda data: b'', lambda data: data + b'x',
    lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]])
def test_damaged_files_are_not_taken(kept, folder, damage):
    kept.write('a', b'something')
    (folder / 'a').write_bytes(damage((folder / 'a').read_bytes()))
    assert kept.read('a') is None
    kept.write('a', b'anew')
    assert kept.read('a') == b'anew'


def test_those_that_were_not_used_leave(kept, folder):
    for age, key in enumerate('ab'):
        kept.write(key, b'x')
        os.utime(folder / key, (100 + age, 100 + age))
    assert kept.read('a') == b'x'
    kept.write('c', b'x')
    assert sorted(path.name for path in folder.iterdir()) == ['a', 'c']


def test_what_may_be_read_but_not_changed_is_read(kept, monkeypatch):
    """As of another user, or on a medium that cannot be written."""
    def refused(path):
        raise PermissionError(1, 'Operation not permitted', str(path))
    kept.write('a', b'something')
    monkeypatch.setattr(kept_files.Path, 'touch', refused)
    assert kept.read('a') == b'something'


def homeless(path):
    raise RuntimeError('Could not determine home directory.')


@pytest.mark.parametrize('owner, name, value', [
    (kept_files, 'FOLDER', Path(__file__)), (kept_files.Path, 'expanduser', homeless)],
    ids=['no folder can be made', 'no home'])
def test_nothing_is_kept_where_there_is_no_room(kept, monkeypatch, owner, name, value):
    monkeypatch.setattr(owner, name, value)
    KeptFiles('things', 2).write('a', b'x')
    assert KeptFiles('things', 2).read('a') is None


def test_keys_differ_where_a_part_ends_elsewhere():
    assert len({digest(('ab', 'c')), digest(('a', 'bc')), digest(('abc',)), digest((b'abc', ''))
                }) == 4


@pytest.fixture
def compilations(folder, monkeypatch):
    """How often a search was converted, to be compiled."""
    made = []
    graph = openvino_engine.OpenVinoEngine._graph

    def counted(self, *args):
        made.append(args)
        return graph(self, *args)
    monkeypatch.setattr(openvino_engine.OpenVinoEngine, '_graph', counted)
    return made


def answer(network, **settings):
    engine = make_engine(network, ModelConfig(device='cpu', runtime='openvino').replace(settings))
    template, search = patches(127, 207)
    maps = engine.search(search, engine.embed(template))
    return [maps.scores, maps.distances, engine.describe(maps)]


@needs_openvino
def test_a_network_that_was_compiled_before_is_read(network, compilations):
    first, second = answer(network), answer(network)
    assert len(compilations) == 1
    for ours, theirs in zip(first, second):
        np.testing.assert_array_equal(ours, theirs)


@needs_openvino
def test_another_network_precision_or_code_is_compiled(network, compilations, monkeypatch):
    exact = answer(network, precision='fp32')
    answer(network, precision='bf16')
    with np.testing.assert_raises(AssertionError):
        weight = next(network.parameters())
        weight.data.mul_(1.5)
        np.testing.assert_array_equal(answer(network, precision='fp32')[0], exact[0])
    weight.data.div_(1.5)
    monkeypatch.setattr(openvino_graph, 'code_digest', lambda: 'changed')
    answer(network, precision='fp32')
    assert len(compilations) == 4


@needs_openvino
def test_what_openvino_cannot_read_is_compiled_again(network, compilations, monkeypatch):
    wanted = answer(network)
    monkeypatch.setattr(openvino_graph.COMPILED, 'read', lambda key: b'something else')
    np.testing.assert_array_equal(answer(network)[0], wanted[0])
    assert len(compilations) == 2
