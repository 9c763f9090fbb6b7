"""How a call of `ordertrail` ends: its exit status, and on failure one sentence on standard error, never a traceback.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, NoReturn

import click

DONE = 0
FOUND = 1  # an audit found something, or --strict did
WRONG_INPUT = 2  # a malformed line, a wrong argument, an unknown order
STORE_FAILED = 3
BUG = 70  # sysexits' EX_SOFTWARE
OUTPUT_FAILED = 74  # sysexits' EX_IOERR
INTERRUPTED = 130  # as shells report SIGINT
BROKEN_PIPE = 141  # as shells report SIGPIPE


class Failure(click.ClickException):
    """The end of a call that failed: `message` is one sentence, empty to say nothing."""

    def __init__(self, message: str, status: int = WRONG_INPUT) -> None:
        super().__init__(message)
        self.status = status


class OneSentenceGroup(click.Group):
    """A click group whose every failure is one sentence and an exit status of INTERFACE."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of their definition, which is that of their use."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()  # here, where a closed pipe or a full disk can still be told
            return status
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            raise Failure("interrupted", INTERRUPTED) from None
        except Exception as error:
            if os.environ.get("ORDERTRAIL_TRACEBACK"):
                raise
            raise failure(error) from error


def call(group: click.Group) -> NoReturn:
    """Run the command line, say a failure in one sentence, and exit."""
    _ready_streams()
    try:
        status = group.main(prog_name="ordertrail", standalone_mode=False)
    except click.ClickException as error:
        end(error)
    except click.Abort:
        end(Failure("interrupted", INTERRUPTED))
    except OSError as error:  # of what click prints itself, such as a help
        end(failure(error))
    sys.exit(status if isinstance(status, int) else DONE)


def _ready_streams() -> None:
    """Closed standard streams become empty ones; letters that the terminal's encoding lacks are spelled out."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - for the life of the process
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def failure(error: Exception) -> Failure:
    """The sentence and the status for an error that a command did not answer itself."""
    from ..application.errors import PolicyChanged, StoreError
    from ..domain.errors import OrdertrailError

    if isinstance(error, BrokenPipeError):
        silence_stdout()
        return Failure("", BROKEN_PIPE)
    if isinstance(error, OrdertrailError):
        stored = isinstance(error, StoreError) and not isinstance(error, PolicyChanged)
        return Failure(str(error), STORE_FAILED if stored or _is_of_read_models(error) else WRONG_INPUT)
    if isinstance(error, OSError):
        silence_stdout()
        status = WRONG_INPUT if error.filename else OUTPUT_FAILED
        return Failure(f"{error.filename or 'standard output'}: {error.strerror or error}", status)
    return Failure(
        f"this is a bug in ordertrail: {type(error).__name__}: {error} (ORDERTRAIL_TRACEBACK=1 shows where)", BUG
    )


def _is_of_read_models(error: Exception) -> bool:
    """They are not imported to know that: half a second, and where nothing has imported them, none has failed."""
    errors = sys.modules.get("ordertrail.projections.errors")
    return errors is not None and isinstance(error, errors.ProjectionError)


def end(error: click.ClickException) -> NoReturn:
    """Say why on standard error, and exit; the reader of standard error may be gone as well."""
    sentence = " ".join(error.format_message().split())
    if sentence:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            sentence = f"{sentence.rstrip('.')} (see {error.ctx.command_path} --help)."
        with suppress(OSError):
            click.echo(f"ordertrail: {sentence}", err=True)
    # Every other click error is about an argument, for which click itself would say 1 or 2.
    sys.exit(error.status if isinstance(error, Failure) else WRONG_INPUT)


def silence_stdout() -> None:
    """Nobody reads any more: what is still buffered must not fail again when the interpreter exits."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in (errno.EBADF, None):
            raise
