"""The network against outputs recorded from the authors' published one."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from siamx_ros.model import importing
from siamx_ros.model.network import SiamXNet

GOLDEN = json.loads((Path(__file__).parent / 'golden_parity.json').read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def state(authors_state):
    return {importing.our_name(name): value for name, value in authors_state.items()
            if not name.startswith('align_head.')}


@pytest.fixture(scope='module')
def outputs(state):
    return _outputs(state, torch.float64)


@pytest.fixture(scope='module')
def outputs32(state):
    return _outputs(state, torch.float32)


def _patch(seed: int, side: int, dtype: torch.dtype) -> torch.Tensor:
    pixels = np.random.RandomState(seed).randint(0, 256, (1, 3, side, side))
    return torch.from_numpy(pixels).to(dtype)


def _outputs(state, dtype):
    network = SiamXNet().to(dtype).eval()
    network.load_state_dict({name: value.to(dtype) if value.is_floating_point() else value
                             for name, value in state.items()})
    with torch.no_grad():
        z = network.template_levels(_patch(1, 127, dtype))
        kernels = network.embed_template(_patch(1, 127, dtype))
        x = network.levels(_patch(2, 255, dtype))
        small = network.search(_patch(2, 255, dtype), kernels)
        large = network.search(_patch(3, 287, dtype), kernels)
    return {'zf0': z['L3'], 'zf1': z['L4'], 'xf0': x['L3'], 'xf1': x['L4'],
            'cls': small.centre_logits, 'reg': small.distances,
            'cls287': large.centre_logits, 'reg287': large.distances}


@pytest.mark.parametrize('name', ['zf0', 'zf1', 'xf0', 'xf1', 'cls', 'reg', 'cls287', 'reg287'])
def test_float64_statistics(outputs, name):
    value, golden = outputs[name], GOLDEN[name]
    assert list(value.shape) == golden['shape']
    seen = {'mean': value.mean(), 'std': value.std(correction=0),
            'min': value.min(), 'max': value.max()}
    for statistic, number in seen.items():
        assert number.item() == pytest.approx(golden[statistic], abs=1e-9), statistic


@pytest.mark.parametrize('precision, tolerance', [('outputs', 1e-9), ('outputs32', 1e-5)])
@pytest.mark.parametrize('points, suffix', [('points', ''), ('points287', '287')])
def test_cells(request, precision, tolerance, points, suffix):
    maps = request.getfixturevalue(precision)
    for cell, golden in GOLDEN[points].items():
        row, column = map(int, cell.split(','))
        logit = maps[f'cls{suffix}'][0, 0, row, column].item()
        sides = maps[f'reg{suffix}'][0, :, row, column].tolist()
        assert logit == pytest.approx(golden['cls_logit'], abs=tolerance)
        assert sides == pytest.approx(golden['ltrb'], abs=tolerance)


@pytest.mark.parametrize('branch', ['cls', 'reg'])
def test_fusion_weights(state, branch):
    shares = torch.softmax(state[f'correlation.{branch}_weight'], 0).tolist()
    assert shares == pytest.approx(GOLDEN[f'softmax_{branch}'], abs=1e-12)


def test_size():
    assert sum(p.numel() for p in SiamXNet().parameters()) == 26_000_720
