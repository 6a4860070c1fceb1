"""Several processes train one network on pairs of their own."""

import os
import signal
import subprocess
import sys
import time

from command_line import python
import pytest
import torch

from siamx_ros.model.weights import load_checkpoint
from siamx_ros.training import loading
from siamx_ros.training.loading import read_data, training_loader
from siamx_ros.training.distributed import Process


@pytest.mark.parametrize('step', [0, 3])
def test_processes_share_the_pairs_of_a_step(data, tiny_config, step):
    """Two with batches of two have each step's pairs of one with batches of four, none twice."""
    config = tiny_config.replace({'batch': 2})
    content = read_data(data, config)

    def batches(config, rank, count):
        process = Process(rank, count, torch.device('cpu'))
        return [batch[1] for batch in training_loader(content, config, process, step)]
    whole = batches(tiny_config, 0, 1)
    shares = [torch.stack(batches(config, rank, 2), 0) for rank in (0, 1)]
    assert len(whole) == len(shares[0]) == len(shares[1]) == 6 - step
    for pairs, *own in zip(whole, *shares):
        assert torch.stack(own, 1).flatten(0, 1).equal(pairs)
        assert len(pairs.flatten(1).unique(dim=0)) == 4


@pytest.mark.parametrize('rank', [0, 1])
def test_a_resumed_process_has_the_rest_of_its_pairs(data, tiny_config, rank):
    process, content = Process(rank, 2, torch.device('cpu')), read_data(data, tiny_config)
    whole, rest = (list(training_loader(content, tiny_config, process, step)) for step in (0, 4))
    for batch, again in zip(whole[4:], rest, strict=True):
        assert all(a.equal(b) for a, b in zip(batch[:2], again[:2]))


def test_a_worker_leaves_signals_to_the_training_process(data, tiny_config, monkeypatch):
    """It goes on making pairs for a while, and ends in order where nobody ends it."""
    monkeypatch.setattr(loading, 'GRACE', 2)
    config = tiny_config.replace({'workers': 1, 'steps': 100})
    batches = iter(training_loader(
        read_data(data, config), config, Process(0, 1, torch.device('cpu')), 0))
    next(batches)
    worker, = batches._workers
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(worker.pid, number)
        time.sleep(0.2)
        assert worker.is_alive(), number
    assert len(next(batches)) == len(next(batches)) == 5
    worker.join(30)
    assert worker.exitcode == 0


SMALL = ['--network.backbone=light', '--network.widths=8,8,8,8', '--network.blocks=1,1,1',
         '--network.channels=8', '--network.tower_depth=1', '--batch=2', '--negatives=1',
         '--precision=fp32', '--held_out=kept']
"""Settings of a network of which many steps take a second."""


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_processes_ends_the_run(data, tmp_path, number):
    """As a terminal sends that is closed, or a service that is stopped; no worker stays behind."""
    out, log = tmp_path / 'run', tmp_path / 'said.txt'
    with log.open('w') as said:
        run = subprocess.Popen(
            [sys.executable, '-m', 'siamx_ros', 'train', str(data), '--out', str(out),
             '--device=cpu', '--workers=2', '--steps=100000', '--steps_per_epoch=20', *SMALL],
            stdout=said, stderr=said, start_new_session=True,
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # nohup ignores one
    try:
        wait_until(lambda: (out / 'last.pt').exists() or run.poll() is not None)
        os.killpg(run.pid, number)
        assert run.wait(60) == 130, log.read_text()
        assert log.read_text().endswith('interrupted\n') and 'Traceback' not in log.read_text()
        wait_until(lambda: not alive(run.pid))
    finally:
        if alive(run.pid):
            os.killpg(run.pid, signal.SIGKILL)


def alive(group):
    """Whether a process of a group is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(done, timeout=120.0):
    end = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


NOTED = """
import sys
import torch
from siamx_ros.cli import main
from siamx_ros.training.run import Run

fit, prepare, seen = Run.fit, Run.prepare, []


def noted_fit(run, *rest):
    fit(run, *rest)
    torch.save({'parameters': [p.detach() for p in run.network.parameters()], 'boxes': seen},
               run.out / f'{run.process.rank}.pt')


def noted_prepare(run, *rest):
    inputs = prepare(run, *rest)
    seen.append(inputs[2])
    return inputs


Run.fit, Run.prepare = noted_fit, noted_prepare
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_two_processes(data, tmp_path):
    """torchrun with two CPU processes trains one network on unlike pairs and logs once."""
    out = tmp_path / 'two'
    (tmp_path / 'noted.py').write_text(NOTED)
    settings = [*SMALL, '--steps=2', '--steps_per_epoch=2', '--workers=0']
    done = python('-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2',
                  tmp_path / 'noted.py', 'train', data, '--out', out, '--device=cpu', *settings,
                  timeout=300, OMP_NUM_THREADS='1')
    assert done.returncode == 0, done.stderr[-2000:]
    assert len((out / 'log.csv').read_text().splitlines()) == 2
    assert load_checkpoint(out / 'best.pt').card['batch'] == 4
    assert torch.load(out / 'last.pt', weights_only=True)['processes'] == 2
    first, second = (torch.load(out / f'{rank}.pt', weights_only=True) for rank in (0, 1))
    assert all(a.equal(b) for a, b in zip(first['parameters'], second['parameters'], strict=True))
    assert len(first['boxes']) == 2
    assert not any(a.equal(b) for a, b in zip(first['boxes'], second['boxes'], strict=True))
