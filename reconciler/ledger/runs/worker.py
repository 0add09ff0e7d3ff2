"""The worker that executes the jobs of journal runs, between requests or in a thread."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import exc

from ..storage.backend import TransactionLost
from ..storage.group_commit import SharedCommitFailed
from ..storage.store import Contention, Store
from ..web.call import timestamp
from . import job_queue, summarization
from .job_queue import JobContext, job_context_of
from .steps import STEPS

log = logging.getLogger(__name__)

POLL_INTERVAL = 1.0
"""Seconds between checks of the queue: another process may have queued a job."""

_OF_THE_STEP = (
    *(exc.DataError, exc.IntegrityError),
    *(exc.NotSupportedError, exc.ProgrammingError),
)
"""Database errors of a statement that fails however often it is repeated."""
_OF_THE_DATABASE = (exc.DBAPIError, exc.PendingRollbackError, TransactionLost, SharedCommitFailed)
"""Other database errors, such as a lost connection or a full disk.

The step is rolled back and retried.
"""


class Worker:
    """Executes the oldest job of the database, step by step. Thread-safe.

    Any number of workers and processes may use one database; one of them works at a time. `clock`
    gives aware UTC times.
    """

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._name = secrets.token_hex(16)
        self._turn = threading.Lock()
        self._woken = threading.Event()
        self._woken.set()
        self._next_look = 0.0

    def wake(self) -> None:
        """Tell the worker of a new job."""
        self._woken.set()

    def work(self, *, go_on: Callable[[], bool] = lambda: True) -> None:
        """Execute steps until none is left, another worker is active, or `go_on` is false.

        If there is a step, at least one is executed. Returns at once while another thread works.
        Failures are logged and retried later.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._woken.clear()
            with self._store.reading() as tx:  # does not block writers
                waiting = job_queue.waiting(tx)
            if waiting and self._work(go_on):
                self._woken.set()
        except Contention:
            self._woken.set()
        except Exception:
            # Neither the thread nor the request that works a little may end by what broke.
            log.exception("the execution of journal runs failed; it will be retried")
        finally:
            self._turn.release()

    def work_for(self, seconds: float) -> None:
        """Work for some seconds if there may be a job. Requests begin with this."""
        now = time.monotonic()
        if not self._woken.is_set() and now < self._next_look:
            return
        self._next_look = now + POLL_INTERVAL
        self.work(go_on=lambda: time.monotonic() < now + seconds)

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set and `wake` is called."""
        while not stopping.is_set():
            self.work(go_on=lambda: not stopping.is_set())
            self._woken.wait(POLL_INTERVAL)

    def _work(self, go_on: Callable[[], bool]) -> bool:
        """Whether there may be more steps for this worker."""
        left = True
        try:
            while left:
                left = self._step()
                if not go_on():
                    break
        finally:
            if left:
                with self._store.writing() as tx:
                    job_queue.release(tx, self._name)
        return left

    def _step(self) -> bool:
        """Execute the next step, if any. Only a failure of the step itself ends its run."""
        try:
            return self._in_transaction(lambda context: STEPS[context.job["work"]](context))
        except Contention:
            raise
        except Exception as error:
            if isinstance(error, _OF_THE_DATABASE) and not isinstance(error, _OF_THE_STEP):
                raise
            log.exception("a step of a journal run failed")
            self._in_transaction(_give_up)
            return False  # a pause, so that what breaks each time does not keep a processor busy

    def _in_transaction(self, step: Callable[[JobContext], None]) -> bool:
        now = self._clock()
        with self._store.writing() as tx:
            job = job_queue.claim(tx, self._name, now=int(now.timestamp()))
            if job is None:
                return False
            step(job_context_of(tx, job, timestamp=timestamp(now)))
        return True


def _give_up(context: JobContext) -> None:
    """End a run that cannot be processed in Error; a cancellation or deletion is retried."""
    if context.job["work"] == job_queue.PROCESS:
        summarization.fail(context, "unexpected failure; see the log")
