"""The commands that keep read models: `rebuild` makes them anew, `projections` says how they stand and follows events.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

import time

import click

from .documents import show_json
from .exits import INTERRUPTED, STORE_FAILED, Failure
from .parameters import json_option, policy_unused, read_models_option, store_option


@click.command(short_help="Make read models anew.")
@click.argument("names", metavar="[NAME]…", nargs=-1)
@read_models_option
@policy_unused
@store_option()
def rebuild(names: tuple[str, ...], read_models: str | None, store: str) -> None:
    """Make read models anew from the events, all or those named; readers go on with the old rows meanwhile."""
    from ..projections.errors import ProjectionFailed
    from ..projections.rebuild import rebuild as make_anew
    from .places import where_argument
    from .progress import event_bar
    from .read_models import event_log, opened, projections_named
    from .replay import collect_garbage_seldom

    collect_garbage_seldom()
    wanted = projections_named(names)
    told = ", ".join(projection.name for projection in wanted)
    began = time.perf_counter()
    with event_log(store) as log, opened(store, read_models) as database:
        try:
            with event_bar(f"rebuilding {told if len(wanted) == 1 else 'read models'}") as advance:
                make_anew(log, database, *wanted, progress=lambda at: advance(at.position, at.last))
        except KeyboardInterrupt:
            again = " ".join(["ordertrail rebuild", *names]) + where_argument(store, read_models)
            raise Failure(
                f"interrupted: what is built so far stays, and {again} goes on from there", INTERRUPTED
            ) from None
        except ProjectionFailed as error:
            raise Failure(f"{error}; the rows that were there are as they were", STORE_FAILED) from error
        seconds = time.perf_counter() - began
        click.echo(f"rebuilt up to position {log.last_position():,} in {seconds:.1f} s: {told}")


@click.command(short_help="How the read models stand.")
@click.option("--follow", is_flag=True, help="Keep all of them up to date until interrupted.")
@json_option
@read_models_option
@policy_unused
@store_option()
def projections(follow: bool, as_json: bool, read_models: str | None, store: str) -> None:
    """How the read models stand, as they are; with --follow, keep them up to date, in a process of its own."""
    from msgspec import to_builtins

    from ..projections.runner import Runner
    from .read_models import event_log, opened, projections_named

    if follow and as_json:
        raise click.UsageError("--follow and --json exclude each other.")
    with event_log(store) as log, opened(store, read_models) as database:
        runner = Runner(log, database, projections_named(()))
        if follow:
            from .following import follow as follow_until_signal

            return follow_until_signal(runner)
        statuses = runner.status()
    if as_json:
        return show_json([to_builtins(status) for status in statuses])
    from .listings import projection_tables
    from .screen import show_tables

    return show_tables(projection_tables(statuses))
