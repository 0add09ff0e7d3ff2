"""Carries a call to its end: token, attempts, waits and the deadline over all of them."""

import logging
import random as chance
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Generic, TypeVar

from reconciler.core.model.resource import Value
from reconciler.errors import LedgerError, OutcomeUnknown
from reconciler.http_client.exchange import (
    Exchange,
    FailedRequest,
    Request,
    RequestOutcome,
    Response,
)
from reconciler.http_client.redaction import Redactor
from reconciler.http_client.retry import backoff, http_date, monotonic
from reconciler.http_client.strict_json import Unreadable
from reconciler.zuora.connection import CallLimits
from reconciler.zuora.errors import DOUBT, IN_DOUBT, REPEATED, CallInfo, Operation, failure
from reconciler.zuora.rate_limit import Gate, asked_wait
from reconciler.zuora.responses import Classification, judge, judge_query, judge_token
from reconciler.zuora.token import Token, TokenSource

log = logging.getLogger("reconciler.zuora")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Answer]):
    """One call: what is sent, how it is spoken of, and how its answer becomes a value.

    `accept` raises Unreadable for a document that does not fit. `missing` is the value for a
    positive "not found"; without it that is a refusal. `sent_before` says that the same request
    may have taken effect already.
    """

    asked: CallInfo
    request: Request
    accept: Callable[[Mapping[str, Value]], Answer]
    missing: Callable[[], Answer] | None = None
    sent_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance, so that tests need neither."""

    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = field(default=chance.random)


JUDGES: Mapping[Operation, Callable[[Response], Classification]] = MappingProxyType(
    {
        Operation.READ: partial(judge, keyed=False),
        Operation.CREATE: partial(judge, keyed=True),
        Operation.CHANGE: partial(judge, keyed=False),
        Operation.TOKEN: judge_token,
        Operation.QUERY: judge_query,
    }
)
"""What tells the meaning of an answer: not every endpoint speaks in the journal API's envelope."""


@dataclass(slots=True, kw_only=True)
class _Progress:
    """How far a call has come."""

    deadline: float
    attempt: int = 0
    doubt: bool = False
    renewed: bool = False
    token: Token | None = None


class Caller:
    """Performs calls for any number of threads, with one token and one gate between them."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        limits: CallLimits,
        clockwork: Clock,
        redactor: Redactor,
    ) -> None:
        self._exchange = exchange
        self._limits = limits
        self._clockwork = clockwork
        self._redactor = redactor
        self._gate = Gate(limits, clock=clockwork.clock)
        self._server_time: datetime | None = None
        self._time_lock = threading.Lock()

    @property
    def server_time(self) -> datetime | None:
        """The Date of the last answer, in UTC, or None before the first."""
        with self._time_lock:
            return self._server_time

    def perform(
        self, call: Call[Answer], *, tokens: TokenSource | None, deadline: float | None = None
    ) -> Answer:
        """The value of a call, or the LedgerError it ends in.

        Without `tokens` the call is the token request itself. The deadline is a moment on the
        clock; without one the call has the time its limits give.
        """
        if deadline is None:
            deadline = self._clockwork.clock() + self._limits.deadline
        progress = _Progress(deadline=deadline, doubt=call.sent_before)
        while True:
            verdict = self._attempt(call, progress, tokens)
            if verdict.outcome is RequestOutcome.DONE:
                value, verdict = self._accepted(call, verdict)
                if value is not None:
                    return value[0]
            if verdict.outcome is RequestOutcome.MISSING and call.missing is not None:
                return call.missing()
            if not self._goes_on(call, verdict, progress, tokens):
                raise failure(call.asked, self._cleaned(verdict), doubt=progress.doubt)

    def _attempt(
        self, call: Call[Answer], progress: _Progress, tokens: TokenSource | None
    ) -> Classification:
        progress.attempt += 1
        request = call.request
        headers = {**request.headers, "Zuora-Track-Id": call.asked.track_id}
        if tokens is not None:
            headers["Authorization"] = f"Bearer {self._token(call, progress, tokens).text}"
        request = replace(request, headers=headers)
        with self._gate.place(timeout=progress.deadline - self._clockwork.clock()) as free:
            if not free:
                return Classification(
                    outcome=RequestOutcome.NOT_SENT, detail="every place in flight stayed taken"
                )
            if not self._rested(progress):
                # The next attempt would meet the same pause, and the deadline ends the call there.
                held = self._gate.held()
                return Classification(
                    outcome=RequestOutcome.NOT_SENT, wait=held, detail="the ledger is resting"
                )
            log.debug(
                "%s %s, attempt %d, track id %s",
                request.method,
                request.target,
                progress.attempt,
                call.asked.track_id,
            )
            now = self._clockwork.clock()
            reply = self._exchange.send(
                request, deadline=min(progress.deadline, now + self._limits.attempt_timeout)
            )
        if isinstance(reply, FailedRequest):
            return Classification(outcome=reply.outcome, detail=reply.detail)
        return self._judged(call, reply)

    def _token(self, call: Call[Answer], progress: _Progress, tokens: TokenSource) -> Token:
        try:
            progress.token = tokens.token(deadline=progress.deadline)
        except LedgerError as error:
            if not progress.doubt:
                raise
            raise OutcomeUnknown(
                f"{call.asked.what}: it was sent once without a trustworthy answer, and asking "
                f"again was not possible. {error.message}",
                remedy=DOUBT,
                status=error.status,
                codes=error.codes,
                track_id=call.asked.track_id,
            ) from error
        return progress.token

    def _rested(self, progress: _Progress) -> bool:
        """Sits out a pause the ledger asked for; False when it outlasts the call, or is cut short.

        A sleep that ends early says that the run is to end: waiting on would only spin.
        """
        while (wait := self._gate.held()) > 0:
            began = self._clockwork.clock()
            if began + wait >= progress.deadline:
                return False
            self._clockwork.sleep(wait)
            if self._clockwork.clock() - began < wait / 2:
                return False
        return True

    def _judged(self, call: Call[Answer], reply: Response) -> Classification:
        verdict = JUDGES[call.asked.operation](reply)
        date = http_date(reply.headers.get("date", ""))
        if date is not None:
            with self._time_lock:
                self._server_time = date
        self._gate.observe(reply.headers)
        if verdict.outcome in (RequestOutcome.BUSY, RequestOutcome.FAILED, RequestOutcome.RUNNING):
            wait = asked_wait(reply.headers, now=date or self.server_time)
            if wait is not None and verdict.outcome is RequestOutcome.BUSY:
                self._gate.hold(wait)
            return replace(verdict, wait=wait)
        return verdict

    def _accepted(
        self, call: Call[Answer], verdict: Classification
    ) -> tuple[tuple[Answer] | None, Classification]:
        try:
            return (call.accept(verdict.document),), verdict
        except Unreadable as error:
            # A 409 whose body is not the first answer says only that there was a first request.
            running = verdict.status == 409
            outcome = RequestOutcome.RUNNING if running else RequestOutcome.UNREADABLE
            return None, replace(verdict, outcome=outcome, detail=str(error))

    def _goes_on(
        self,
        call: Call[Answer],
        verdict: Classification,
        progress: _Progress,
        tokens: TokenSource | None,
    ) -> bool:
        """Whether to try again, after the wait that is due before it."""
        if verdict.outcome in IN_DOUBT and call.asked.operation is Operation.CREATE:
            progress.doubt = True
        if (
            verdict.outcome is RequestOutcome.SIGNED_OUT
            and tokens is not None
            and not progress.renewed
        ):
            progress.renewed = True
            return tokens.renew(progress.token)
        if verdict.outcome not in REPEATED[call.asked.operation]:
            return False
        if progress.attempt >= self._limits.attempts:
            return False
        wait = backoff(
            progress.attempt,
            first=self._limits.backoff,
            cap=self._limits.backoff_cap,
            random=self._clockwork.random,
        )
        if verdict.wait is not None:
            wait = verdict.wait + self._limits.backoff * self._clockwork.random()
        if self._clockwork.clock() + wait >= progress.deadline:
            return False
        self._clockwork.sleep(wait)
        return True

    def _cleaned(self, verdict: Classification) -> Classification:
        clean = self._redactor.clean
        reasons = tuple(
            replace(reason, message=clean(reason.message)) for reason in verdict.reasons
        )
        return replace(verdict, reasons=reasons, detail=clean(verdict.detail))
