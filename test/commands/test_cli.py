"""All commands as a user meets them: help, near names, outputs that are inputs, closed pipes."""

import os
import subprocess
import sys

from command_line import ROOT, command, python, refused
import pytest

from siamx_ros.cli import COMMANDS, main
from siamx_ros.evaluation.tables import HEADINGS


def test_every_command_has_its_module_and_help(here):
    for name in COMMANDS:
        process = here(name, '--help')
        assert process.returncode == 0, process.stderr
        assert f'siamx_ros {name}' in process.stdout


def test_help_of_evaluate_lists_all_columns(here):
    text = here('evaluate', '--help').stdout
    for heading, _ in HEADINGS.values():
        assert f'\n  {heading} ' in text


def test_overview_lists_all_commands():
    process = command('--help')
    assert process.returncode == 0
    for name, (_, text) in COMMANDS.items():
        assert name in process.stdout and text in process.stdout


def test_overview_imports_no_command():
    code = ('import sys; from siamx_ros.cli import main; main(["--help"]); '
            'sys.exit(any(n in sys.modules for n in ("torch", "cv2", "rclpy")))')
    process = python('-c', code, cwd=ROOT)
    assert process.returncode == 0, process.stderr


def test_what_is_said_beside_a_progress_bar_has_a_line_of_its_own():
    code = ('import logging; from siamx_ros import cli; from tqdm import tqdm; '
            'logging.basicConfig(format="%(message)s", handlers=[cli._BesideBars()]); '
            'bar = tqdm(total=2); logging.warning("said"); bar.close()')
    done = subprocess.run([sys.executable, '-c', code], stderr=subprocess.PIPE, text=True)
    assert '0/2' in done.stderr and '\nsaid\n' in done.stderr.replace('\r', '\n'), done.stderr


def test_no_command_is_an_error_with_help():
    process = command()
    assert process.returncode == 2
    assert 'commands:' in process.stderr


def test_unknown_command_names_near_ones():
    refused(command('trakc'), "'trakc'", 'track')


def test_a_closed_pipe_is_no_traceback():
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run([sys.executable, '-m', 'siamx_ros', 'track', '--help'], cwd=ROOT,
                             stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert 'Traceback' not in process.stderr


def test_a_closed_output_is_no_traceback():
    process = subprocess.run([sys.executable, '-m', 'siamx_ros', 'params'], cwd=ROOT, text=True,
                             stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert process.returncode == 0 and not process.stderr


@pytest.mark.parametrize('arguments', [
    ('track', '{clip}', '--box', '1,1,9,9', '--weights', 'random', '--video', '{clip}'),
    ('track', '{clip}', '--box', '1,1,9,9', '--weights', 'random', '--csv', '{clip}'),
    ('track', '{img}', '--box', '1,1,9,9', '--weights', 'random', '--csv', '{img}/0.png'),
    ('track', '{clip}', '--box', '1,1,9,9', '--weights', 'random', '--csv', '{new}.mp4',
     '--video', '{new}.mp4'),
    ('track', '{clip}', '--box', '1,1,9,9', '--csv', '{shipped}'),
    ('evaluate', '{img}', '--weights', 'random', '--out', '{img}/results'),
    ('interrupt', '{img}', '--out', '{img}/copies'),
    ('roll', '{img}', '--out', '{img}/copies'),
    ('import-weights', '{clip}', '--out', '{clip}'),
    ('calibrate', '{img}', '--weights', '{clip}', '--out', '{clip}'),
    ('train', '{img}', '--out', '{img}/run'),
    ('train', '--initial', '{new}/best.pt', '--out', '{new}'),
    ('evaluate-bag', '{clip}', '--weights', 'random', '--video', '{clip}'),
    ('evaluate-bag', '{img}', '--weights', 'random', '--out', '{img}/results'),
])
def test_no_command_writes_over_what_it_reads(folder, tmp_path, capsys, arguments):
    from siamx_ros.model.weights import find_weights
    before = {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}
    names = {'clip': folder / 'clip.mp4', 'img': folder / 'img', 'new': tmp_path / 'new',
             'shipped': find_weights('default')}
    assert main([argument.format(**names) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert any(part in error for part in ('would replace', 'are the same file', 'lies in')), error
    assert {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()} == before
    assert not list(tmp_path.iterdir())
