"""What is read about the processor, and which number format that speaks for."""

from pathlib import Path

import pytest

from siamx_ros.model import openvino_graph
from siamx_ros.model.processor import Processor

TWO_CORES = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: One of the first kind
flags\t\t: fpu avx512_vnni avx512_bf16

processor\t: 1
vendor_id\t: GenuineIntel
flags\t\t: fpu
"""


def test_the_first_core_counts(tmp_path: Path):
    path = tmp_path / 'cpuinfo'
    path.write_text(TWO_CORES, encoding='utf-8')
    found = Processor.read(path)
    flags = frozenset({'fpu', 'avx512_vnni', 'avx512_bf16'})
    assert found == Processor('AuthenticAMD', flags, 'One of the first kind')
    assert found.key == 'AuthenticAMD One of the first kind avx512_bf16 avx512_vnni fpu'
    assert found.has_eight_bits and found.has_good_bf16 and not found.has_poor_bf16


@pytest.mark.parametrize('text', [None, 'Processor\t: ARMv8\nFeatures\t: bf16\n', '\0\n:\n'])
def test_of_others_nothing_is_known(tmp_path: Path, text: str):
    path = tmp_path / 'cpuinfo'
    if text is not None:
        path.write_text(text, encoding='utf-8')
    found = Processor.read(path)
    assert found == Processor() and not found.key
    assert not (found.has_eight_bits or found.has_good_bf16 or found.has_poor_bf16)


class Core:
    """OpenVINO on a processor that computes in bf16, well or not."""

    def get_property(self, *_: str) -> list[str]:
        return ['FP32', 'BF16', 'INT8']


@pytest.mark.parametrize('vendor, flags, expected', [
    ('GenuineIntel', {'avx512_bf16', 'amx_bf16'}, 'bf16'),
    ('GenuineIntel', {'avx512_bf16'}, 'fp32'), ('AuthenticAMD', {'avx512_bf16'}, 'bf16'),
    ('', set(), 'bf16')])
def test_bf16_is_taken_where_it_is_faster(monkeypatch, vendor, flags, expected):
    monkeypatch.setattr(openvino_graph, '_core', Core)
    monkeypatch.setattr(
        openvino_graph, 'this_processor', lambda: Processor(vendor, frozenset(flags)))
    assert openvino_graph.fastest_float() == expected
