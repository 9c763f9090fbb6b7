"""Work done in several processes, which tell how far they are."""

import gc
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from typing import Any, TypeVar

R = TypeVar("R")
LOOK_SECONDS = 0.1


def in_processes(
    work: Callable[..., R], tasks: Sequence[tuple[Any, ...]], told: Callable[[list[int]], object]
) -> list[R]:
    """``work`` on each task in a process of its own, the results in their sequence; the first failure is raised.

    The work's last argument is a function to tell how far it is; ``told`` hears of all of them.
    """
    # Spawned, not forked: nothing of the caller's threads and connections is shared.
    context = multiprocessing.get_context("spawn")
    done = context.Array("q", len(tasks), lock=False)
    with ProcessPoolExecutor(len(tasks), context, initializer=_begin, initargs=(done,)) as pool:
        futures = [pool.submit(_work, work, number, task) for number, task in enumerate(tasks)]
        try:
            while wait(futures, timeout=LOOK_SECONDS, return_when=FIRST_EXCEPTION).not_done:
                told(list(done))
                if failed := next((future for future in futures if future.done() and future.exception()), None):
                    failed.result()
        except BaseException:
            for process in (pool._processes or {}).values():
                process.terminate()
            raise
        told(list(done))
        return [future.result() for future in futures]


_done: Any = None
"""In a process of the pool: how far each task is."""


def _begin(done: Any) -> None:
    global _done
    _done = done
    gc.freeze()
    gc.disable()  # what a replay makes and drops has no cycles


def _work(work: Callable[..., R], number: int, task: tuple[Any, ...]) -> R:
    def tell(done: int) -> None:
        _done[number] = done

    return work(*task, tell)
