"""The command line: ``python -m siamx_ros COMMAND ...``.

A command is one row in :data:`COMMANDS` and one module with ``add_arguments(parser)`` and
``run(args) -> int``; the module is imported only when its command is chosen. Exit status: 0 done,
1 failed, 2 the input cannot be used (one sentence on stderr), 130 interrupted.
"""

from __future__ import annotations

import argparse
from contextlib import contextmanager
import difflib
import errno
from importlib import import_module
import logging
import os
import re
import signal
import sys
import threading
from typing import Any, Callable, Iterator, NoReturn, Sequence

from siamx_ros.errors import InputError

PROGRAM = 'python -m siamx_ros'

COMMANDS: dict[str, tuple[str, str]] = {
    'track': ('siamx_ros.commands.track', 'follow one target through a video, folder or camera'),
    'evaluate': ('siamx_ros.commands.evaluate', 'run a tracker over sequences and score it'),
    'interrupt': (
        'siamx_ros.commands.interrupt',
        'make harder copies of sequences: an absence, a return at another size, faster targets, '
        'a poorer camera'),
    'roll': ('siamx_ros.commands.roll', 'make copies of sequences whose camera rolls'),
    'simulate': (
        'siamx_ros.commands.simulate',
        'make sequences of simulated worlds in which a robot follows a person among look-alikes'),
    'report': ('siamx_ros.commands.report', 'turn results into tables'),
    'evaluate-bag': ('siamx_ros.commands.evaluate_bag', 'run the tracker over a recorded bag'),
    'speed': (
        'siamx_ros.commands.speed',
        'time, stages, ceilings, memory and start of trackers on this machine'),
    'drive': (
        'siamx_ros.commands.drive', 'how fast a robot would follow by a tracker over sequences'),
    'train': ('siamx_ros.commands.train', 'train a network'),
    'calibrate': (
        'siamx_ros.commands.calibrate', 'fit the confidence and int8 ranges of trained weights'),
    'export': ('siamx_ros.commands.export', 'write a model as ONNX files, compared with torch'),
    'import-weights': (
        'siamx_ros.commands.import_weights', "turn the authors' checkpoint into ours"),
    'params': ('siamx_ros.commands.params', 'print the tables of all parameters'),
}
"""Command -> (module, one line for ``--help``)."""

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_PATH_ERRORS = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST,
                errno.ENAMETOOLONG, errno.ELOOP)
ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What asks a process to end."""


class ArgumentParser(argparse.ArgumentParser):
    """An argparse parser that raises InputError, names near options and never abbreviates."""

    def __init__(self, **kwargs) -> None:
        kwargs.setdefault('formatter_class', argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Raise the message as an InputError.

        Raises:
            InputError: always.
        """
        raise InputError(f'{message} (see {self.prog} --help)')

    def parse_strictly(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse everything; what is left over is refused with the nearest known options.

        Raises:
            InputError: an option is unknown, incomplete or malformed.
        """
        args, unknown = self.parse_known_args(_join_negative_values(arguments))
        if unknown:
            options = [name for name in self._option_string_actions if name.startswith('--')]
            name = unknown[0].split('=')[0]
            near = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
            hint = f'; near names: {", ".join(near)}' if near else ''
            kind = 'option' if name.startswith('-') else 'argument'
            self.error(f'unknown {kind} {name!r}{hint}')
        return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status.

    Args:
        argv: the arguments without the program's name; those of the process if None.

    Returns:
        The exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(arguments))


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on what asks a process to end, unless it is ignored (``nohup``).

    Outside the main thread nothing is changed: only that one may set what happens on a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt
    former = {number: signal.signal(number, interrupt) for number in ENDING
              if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def guarded(work: Callable[[], int]) -> int:
    """Do the work of a program; what a user can cause becomes one sentence and an exit status."""
    try:
        with ended_by_signals():
            return work()
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or 'siamx_ros').split('.')[0] == 'siamx_ros':
            raise
        print(f'error: this command needs the Python package {error.name!r}, which is not '
              'installed', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno in _PATH_ERRORS and error.filename:
            print(f'error: cannot use {error.filename}: {error.strerror}', file=sys.stderr)
            return 2
        if error.errno not in _DISK_ERRORS:
            raise
        name = f' {error.filename}' if error.filename else ''
        print(f'error: cannot write{name}: {error.strerror}', file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ('-h', '--help'):
        _print_overview(sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments[0] == '--version':
        print(f'siamx_ros {import_module("siamx_ros").__version__}')
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=3, cutoff=0.5)
        raise InputError(f'unknown command {name!r}; known: {", ".join(near or COMMANDS)}')
    module_name, summary = COMMANDS[name]
    module = import_module(module_name)
    parser = ArgumentParser(
        prog=f'{PROGRAM} {name}', description=module.__doc__ or summary, add_help=True)
    module.add_arguments(parser)
    args = parser.parse_strictly(arguments[1:])
    if sys.stdout is None:  # it was closed by whoever started this process
        sys.stdout = open(os.devnull, 'w')
    if hasattr(sys.stdout, 'reconfigure'):  # file names need not be UTF-8
        sys.stdout.reconfigure(errors='backslashreplace')
    logging.basicConfig(format='%(levelname)s: %(message)s', level=logging.INFO,
                        handlers=[_BesideBars()])
    status = module.run(args)
    sys.stdout.flush()
    return status


class _BesideBars(logging.StreamHandler):
    """Writes to stderr, on lines of its own where there are progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        module = sys.modules.get('tqdm')
        if module is None:
            super().emit(record)
        else:
            module.tqdm.write(self.format(record), file=self.stream)


def _print_overview(stream) -> None:
    width = max(map(len, COMMANDS))
    rows = '\n'.join(f'  {name:<{width}}  {text}' for name, (_, text) in COMMANDS.items())
    print(f'usage: {PROGRAM} COMMAND ...\n\nSiamX target tracking for robots.\n\ncommands:\n{rows}'
          f'\n\noptions:\n  -h, --help  this text; after a command, its options\n'
          f'  --version   the version\n\nThe demonstration: python -m siamx_ros.demo', file=stream)


def _join_negative_values(arguments: Sequence[str]) -> list[str]:
    """Write ``--box -5,1,2,3`` as ``--box=-5,1,2,3``: argparse reads ``-5,1,2,3`` as an option."""
    joined: list[str] = []
    for argument in arguments:
        value = re.match(r'-(\d|\.\d|inf|nan)', argument)
        if value and joined and joined[-1].startswith('--') and '=' not in joined[-1]:
            joined[-1] += f'={argument}'
        else:
            joined.append(argument)
    return joined
