"""What this machine can do at most: matrix products in a precision, and copies of memory."""

from __future__ import annotations

from dataclasses import dataclass
import time
from typing import Any, Callable

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from siamx_ros.model import openvino_graph
from siamx_ros.model.inference import DTYPES, Engine, Template

SIDES = 256, 384, 512
"""Of the square matrices on a CPU: they fit into a core's cache; the fastest ones count."""
GPU_SIDE = 4096
PRODUCTS = 4
"""Products one after the other, so that what surrounds them counts for little."""
COPIED_BYTES = 2 ** 28
"""More than any cache holds."""
SECONDS = 1.0
"""How long each ceiling is looked for; it is the best of what was seen."""


@dataclass(frozen=True)
class Ceilings:
    """The machine's limits, and the precision of ``gflops``.

    Attributes:
        precision: of the matrix product: the engine's, or fp32 where that cannot be measured.
        gflops: 10^9 multiplications and additions a second.
        copy_gb_per_s: 10^9 bytes read and written a second.
    """

    precision: str
    gflops: float
    copy_gb_per_s: float


def measure_ceilings(engine: Engine, threads: int) -> Ceilings:
    """For the engine's device and precision, with ``threads`` threads on a CPU."""
    precision, products = _products(engine, threads)
    source = torch.ones(COPIED_BYTES // 4, device=engine.device)
    target = torch.empty_like(source)
    copy = _best(lambda: target.copy_(source), engine.device)
    gflops = max(2 * PRODUCTS * side ** 3 / _best(product, engine.device) / 1e9
                 for side, product in products.items())
    return Ceilings(precision, gflops, 2 * COPIED_BYTES / copy / 1e9)


def count_macs(engine: Engine, template: Template, side: int) -> int:
    """Multiplications with an addition that the network needs to search side x side pixels."""
    network = engine.network
    weight = next(network.parameters())
    patch = torch.zeros(1, 3, side, side, dtype=weight.dtype, device=weight.device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.search(patch, template.kernels)
    return counter.get_total_flops() // 2


def _products(engine: Engine, threads: int) -> tuple[str, dict[int, Callable[[], Any]]]:
    """Precision, and side of matrices -> function that multiplies them in it PRODUCTS times."""
    if engine.device.type == 'cpu' and openvino_graph.is_installed() and engine.precision != 'fp16':
        return engine.precision, {
            side: _openvino_products(side, engine.precision, threads) for side in SIDES}
    precision = engine.precision if engine.precision in DTYPES else 'fp32'
    sides = (GPU_SIDE,) if engine.device.type == 'cuda' else SIDES
    return precision, {side: _torch_products(side, engine.device, precision) for side in sides}


def _openvino_products(side: int, precision: str, threads: int) -> Callable[[], Any]:
    request = openvino_graph.matrix_products(side, PRODUCTS, precision, threads)
    values = np.random.default_rng(0).uniform(0, 1, (side, side)).astype(np.float32)
    return lambda: request.infer({0: values}, share_inputs=True)


def _torch_products(side: int, device: torch.device, precision: str) -> Callable[[], Any]:
    matrix = torch.rand(side, side, device=device, dtype=DTYPES[precision])

    def products() -> None:
        for _ in range(PRODUCTS):
            torch.mm(matrix, matrix)
    return products


def _best(call: Callable[[], Any], device: torch.device) -> float:
    """The shortest time of a call, seconds."""
    best, end = float('inf'), time.perf_counter() + SECONDS
    with torch.inference_mode():
        while (before := time.perf_counter()) < end or best == float('inf'):
            call()
            if device.type == 'cuda':
                torch.cuda.synchronize(device)
            best = min(best, time.perf_counter() - before)
    return best
