"""Performs calls: token, attempts, rate limit, and the value of the response."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from reconciler.core.model.json_text import Unreadable
from reconciler.core.model.resource import Value
from reconciler.errors import LedgerError, OutcomeUnknown
from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import Exchange, FailedRequest, Request, RequestOutcome
from reconciler.http_client.redaction import Redactor
from reconciler.http_client.retry import Progress, http_date, send_with_retries
from reconciler.zuora.connection import CallLimits
from reconciler.zuora.decoding import UnknownValue
from reconciler.zuora.errors import DOUBT_REMEDY, RETRIES, CallInfo, failure
from reconciler.zuora.rate_limit import WINDOW, RateLimiter, requested_wait
from reconciler.zuora.responses import Classification, Operation, classify
from reconciler.zuora.token import Token, TokenSource

log = logging.getLogger("reconciler.zuora")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Answer]):
    """One call: its request, its name in messages, and how its response becomes a value.

    `accept` raises Unreadable for a document that does not fit. `missing` is the value of "not
    found"; without it that is a refusal. With `sent_before` the same request may have taken
    effect already.
    """

    info: CallInfo
    request: Request
    accept: Callable[[Mapping[str, Value]], Answer]
    missing: Callable[[], Answer] | None = None
    sent_before: bool = False


@dataclass(slots=True, kw_only=True)
class _State(Progress, Generic[Answer]):
    """The progress of a call, and its value when there is one."""

    tokens: TokenSource | None
    renewed: bool = False
    answer: tuple[Answer] | None = None


class Caller:
    """Performs calls for any number of threads, which share a token and a rate limiter."""

    def __init__(
        self, exchange: Exchange, *, limits: CallLimits, clock: Clock, redactor: Redactor
    ) -> None:
        self._exchange = exchange
        self._limits = limits
        self._clock = clock
        self._redactor = redactor
        self._limiter = RateLimiter(limits, clock=clock)
        self._server_time: datetime | None = None
        self._time_lock = threading.Lock()

    @property
    def server_time(self) -> datetime | None:
        """The Date of the last response, in UTC, or None before the first."""
        with self._time_lock:
            return self._server_time

    def perform(
        self, call: Call[Answer], *, tokens: TokenSource | None, deadline: float | None = None
    ) -> Answer:
        """The value of a call. Raises a LedgerError when there is none.

        Without `tokens` the call is the token request itself. `deadline` is a moment on the
        clock, by default that of the limits.
        """
        if deadline is None:
            deadline = self._clock.now() + self._limits.deadline
        state = _State[Answer](deadline=deadline, in_doubt=call.sent_before, tokens=tokens)
        last = send_with_retries(
            lambda: self._attempt(call, state),
            state,
            RETRIES[call.info.operation],
            limits=self._limits,
            clock=self._clock,
        )
        if state.answer is not None:
            return state.answer[0]
        if last.outcome is RequestOutcome.MISSING and call.missing is not None:
            return call.missing()
        raise failure(call.info, self._redacted(last), in_doubt=state.in_doubt)

    def _attempt(self, call: Call[Answer], state: _State[Answer]) -> Classification:
        """One attempt, and one more at once when the token has expired."""
        token = None if state.tokens is None else self._token(call.info, state, state.tokens)
        ended = self._sent(call, state, token)
        if (
            ended.outcome is RequestOutcome.SIGNED_OUT
            and state.tokens is not None
            and not state.renewed
            and state.tokens.renew(token)
        ):
            state.renewed = True
            state.attempt += 1
            return self._attempt(call, state)
        return ended

    def _token(self, info: CallInfo, state: _State[Answer], tokens: TokenSource) -> Token:
        try:
            return tokens.token(deadline=state.deadline)
        except LedgerError as error:
            if not state.in_doubt:
                raise
            raise OutcomeUnknown(
                f"{info.what}: the result of the first attempt is unknown, and no second "
                f"attempt was possible. {error.message}",
                remedy=DOUBT_REMEDY,
                status=error.status,
                codes=error.codes,
                track_id=info.track_id,
            ) from error

    def _sent(
        self, call: Call[Answer], state: _State[Answer], token: Token | None
    ) -> Classification:
        request = call.request
        headers = {**request.headers, "Zuora-Track-Id": call.info.track_id}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.text}"
        request = replace(request, headers=headers)
        began = self._clock.now()
        with self._limiter.slot(deadline=state.deadline) as free:
            if not free:
                return Classification(
                    outcome=RequestOutcome.NOT_SENT,
                    detail="no request slot became free before the deadline",
                )
            if not self._limiter.wait_until_open(deadline=state.deadline + WINDOW):
                # The next attempt would wait as long, and reach the deadline.
                return Classification(
                    outcome=RequestOutcome.NOT_SENT,
                    wait=self._limiter.remaining_wait(),
                    detail="the rate limit has not been lifted yet",
                )
            # Waiting for room is not the call's own time.
            state.deadline += self._clock.now() - began
            log.debug(
                "%s %s, attempt %d, track id %s",
                request.method,
                request.target,
                state.attempt,
                call.info.track_id,
            )
            reply = self._exchange.send(request, deadline=state.deadline)
        if isinstance(reply, FailedRequest):
            return Classification(outcome=reply.outcome, detail=reply.detail)
        ended = classify(reply, call.info.operation)
        ended = replace(ended, wait=self._asked_wait(ended.outcome, reply.headers))
        if call.info.operation is not Operation.TOKEN:
            self._limiter.observe(reply.headers, refused=ended.outcome is RequestOutcome.BUSY)
        if ended.outcome is not RequestOutcome.DONE:
            return ended
        try:
            state.answer = (call.accept(ended.document),)
        except Unreadable as error:
            # A 409 without the first response proves only that there was a first request.
            running = ended.status == 409
            outcome = RequestOutcome.RUNNING if running else RequestOutcome.UNREADABLE
            unknown = isinstance(error, UnknownValue)
            return replace(ended, outcome=outcome, detail=str(error), unknown_value=unknown)
        return ended

    def _asked_wait(self, outcome: RequestOutcome, headers: Mapping[str, str]) -> float | None:
        """How long the server asks to wait, if it does; its date and limits are kept."""
        date = http_date(headers.get("date", ""))
        if date is not None:
            with self._time_lock:
                self._server_time = date
        if outcome not in WAITED_FOR:
            return None
        wait = requested_wait(headers, now=date or self.server_time)
        if wait is not None and outcome is RequestOutcome.BUSY:
            self._limiter.close_for(wait)
        return wait

    def _redacted(self, ended: Classification) -> Classification:
        redact = self._redactor.redact
        reasons = tuple(replace(reason, message=redact(reason.message)) for reason in ended.reasons)
        return replace(ended, reasons=reasons, detail=redact(ended.detail))


WAITED_FOR = frozenset({RequestOutcome.BUSY, RequestOutcome.FAILED, RequestOutcome.RUNNING})
"""Outcomes with which a server may say how long to wait."""
