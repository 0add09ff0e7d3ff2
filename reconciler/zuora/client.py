"""The client of the journal API: one method for each call a reconciler makes."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Self, TypeVar
from urllib.parse import urlencode

from reconciler.core.model.json_text import Texts
from reconciler.core.model.kinds import KINDS
from reconciler.core.model.kinds.kind import Kind
from reconciler.core.model.resource import Live, Value
from reconciler.core.model.tenant import AccountingCode, AccountingPeriod
from reconciler.errors import RequestRefused
from reconciler.http_client.clock import Clock
from reconciler.http_client.exchange import Exchange, Request
from reconciler.http_client.raw_answer import Transport
from reconciler.http_client.redaction import Redactor
from reconciler.zuora import decoding
from reconciler.zuora.calls import Call, Caller
from reconciler.zuora.connection import (
    CallLimits,
    Connection,
    Credentials,
    TenantIdentity,
    base_url_of,
    headers_of,
)
from reconciler.zuora.data_query import Queries, objects, texts
from reconciler.zuora.errors import CallInfo
from reconciler.zuora.pagination import Page, all_rows
from reconciler.zuora.resources import RESOURCES
from reconciler.zuora.responses import Operation
from reconciler.zuora.result_file import ResultFiles
from reconciler.zuora.token import Token, TokenSource, token_of

Fact = TypeVar("Fact")

TRACK_ID = re.compile(r"[ !#-&(-9<-~]{1,64}")
KEY = re.compile(r"[\x21-\x7e]{1,255}")
"""Both within the limits of API facts 1.1, in printable ASCII."""

FORM = "application/x-www-form-urlencoded"

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Client:
    """Reads and changes a ledger. Any number of threads may share one client.

    A method raises a LedgerError when its call does not succeed. After AccessRefused,
    RequestRefused and LedgerUnreachable nothing was changed. After OutcomeUnknown the call may
    have taken effect; only a read shows it. The error names the track id of the call.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials,
        *,
        transport: Transport | None = None,
        limits: CallLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        """A client of one connection; nothing is sent yet. The owner of a `transport` closes it."""
        self._origin = base_url_of(connection)
        self._headers = headers_of(connection)
        self._entity_id = connection.entity_id
        self._limits = limits or CallLimits()
        self._clock = clock = clock or Clock()
        self._redactor = Redactor(credentials.secrets())
        self._exchange = Exchange(
            self._origin,
            limits=self._limits,
            transport=transport,
            ca_bundle=connection.ca_bundle,
            clock=clock.now,
        )
        self._caller = Caller(
            self._exchange, limits=self._limits, clock=clock, redactor=self._redactor
        )
        self._tokens = self._token_source(credentials)
        self._queries = Queries(
            caller=self._caller,
            tokens=self._tokens,
            files=ResultFiles(
                self._origin,
                limits=self._limits,
                transport=transport,
                ca_bundle=connection.ca_bundle,
                clock=clock,
            ),
            limits=self._limits,
            clock=clock,
            request=self._request,
            new_track_id=lambda: self._track_id(""),
            redact=self._redactor.redact,
        )

    def tenant(self) -> TenantIdentity:
        """The tenant, according to the token. Signs in when there is no token yet."""
        token = self._tokens.token(deadline=self._clock.now() + self._limits.deadline)
        return TenantIdentity(
            host=self._origin.host, tenant_id=token.tenant_id, entity_id=self._entity_id
        )

    def server_time(self) -> datetime | None:
        """The ledger's clock at its last response, in UTC, or None before the first."""
        return self._caller.server_time

    def read(self, kind: Kind, number: str) -> Live | None:
        """The live object with a number; None only when the ledger states that there is none.

        A journal run includes the entries it created, which takes further calls.
        """
        live = self.read_status(kind, number)
        if live is None or not kind.members:
            return live
        member, resource = KINDS[kind.members], RESOURCES[kind.collection]
        rows = self._list(
            f"{resource.members}/{number}",
            resource.members_field,
            lambda row: decoding.live_of(row, kind=member, resource=RESOURCES[member.collection]),
        )
        # A page repeats rows of the one before if others were added meanwhile.
        members = {row.number: row for row in rows}
        return replace(live, members=tuple(members[number] for number in sorted(members)))

    def read_status(self, kind: Kind, number: str) -> Live | None:
        """The live object with a number, without the entries of a run."""
        resource = RESOURCES[kind.collection]
        call: Call[Live | None] = Call(
            info=self._info(kind, "read", number),
            request=self._request("GET", _path(kind, number)),
            accept=partial(decoding.live_of, kind=kind, resource=resource, number=number),
            missing=lambda: None,
        )
        return self._caller.perform(call, tokens=self._tokens)

    def accounting_codes(self) -> tuple[AccountingCode, ...]:
        """Every accounting code of the tenant, by name and type (API facts 4.1)."""
        codes = self._list("accounting-codes", "accountingCodes", decoding.accounting_code)
        return tuple(sorted(dict.fromkeys(codes), key=lambda code: (code.name, code.type)))

    def accounting_periods(self) -> tuple[AccountingPeriod, ...]:
        """Every accounting period of the tenant, by start date (API facts 4.3)."""
        periods = self._list("accounting-periods", "accountingPeriods", decoding.accounting_period)
        return tuple(
            sorted(dict.fromkeys(periods), key=lambda period: (period.start_date, period.name))
        )

    def query(self, statement: str) -> tuple[Mapping[str, Value], ...]:
        """All rows of a Data Query, names in lower case. They may be older than those of a read."""
        return self._queries.rows(statement, objects, all_of_them=True)

    def query_texts(self, statement: str, columns: tuple[str, ...]) -> tuple[Texts, ...]:
        """Rows as the texts of these columns, None for what is absent. There may be more rows."""
        return self._queries.rows(statement, partial(texts, columns=columns))

    def create(
        self, kind: Kind, body: bytes, *, key: str, track_id: str = "", sent_before: bool = False
    ) -> str:
        """Creates an object and returns its number.

        Every attempt sends the same `body` with the Idempotency-Key `key`. The number may be that
        of an earlier create with the key: read the object back before relying on its content.
        With `sent_before` an earlier call may have taken effect. A limit, a lock or a denial of
        this one does not settle that, so OutcomeUnknown is raised.
        """
        if not KEY.fullmatch(key):
            raise ValueError("An Idempotency-Key has 1 to 255 printable ASCII characters.")
        field = RESOURCES[kind.collection].number_field
        call: Call[str] = Call(
            info=self._info(kind, "create", track_id=track_id),
            request=self._request("POST", _path(kind), body, {"Idempotency-Key": key}),
            accept=lambda document: decoding.number_of(document.get(field), field, kind),
            sent_before=sent_before,
        )
        return self._caller.perform(call, tokens=self._tokens)

    def update(self, kind: Kind, number: str, body: bytes, *, track_id: str = "") -> None:
        """Updates an object in place (API facts 3.5). `body` is sent unchanged."""
        last = RESOURCES[kind.collection].update
        if last is None:
            raise ValueError(f"The API updates no {kind.name}.")
        request = self._request("PUT", _path(kind, number, last), body)
        self._change(request, self._info(kind, "update", number, track_id=track_id))

    def cancel(self, kind: Kind, number: str, *, track_id: str = "") -> None:
        """Cancels an object. A run is cancelled in the background (API facts 5.4)."""
        request = self._request("PUT", _path(kind, number, "cancel"))
        self._change(request, self._info(kind, "cancel", number, track_id=track_id))

    def delete(self, kind: Kind, number: str, *, track_id: str = "") -> None:
        """Deletes a cancelled object (API facts 3.7)."""
        request = self._request("DELETE", _path(kind, number))
        self._change(request, self._info(kind, "delete", number, track_id=track_id))

    def close(self) -> None:
        """Closes every connection. Do not use the client afterwards."""
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._origin.url})"

    def _change(self, request: Request, info: CallInfo) -> None:
        call: Call[None] = Call(info=info, request=request, accept=lambda _: None)
        self._caller.perform(call, tokens=self._tokens)

    def _list(
        self, collection: str, field: str, fact: Callable[[Mapping[str, Value]], Fact]
    ) -> tuple[Fact, ...]:
        def fetch(target: str) -> Page[Fact]:
            track_id = self._track_id("")
            call: Call[Page[Fact]] = Call(
                info=CallInfo(
                    what=f"Listing {collection.replace('-', ' ')}",
                    operation=Operation.READ,
                    permission="Finance Access",
                    track_id=track_id,
                ),
                request=self._request("GET", target),
                accept=lambda document: Page(
                    rows=tuple(map(fact, decoding.rows_in(document.get(field), field))),
                    next_page=decoding.next_page_of(document),
                    track_id=track_id,
                ),
            )
            return self._caller.perform(call, tokens=self._tokens)

        first = f"/v1/{collection}?page=1&pageSize={self._limits.page_size}"
        return all_rows(fetch, first=first, origin=self._origin, most=self._limits.pages)

    def _info(self, kind: Kind, verb: str, number: str = "", *, track_id: str = "") -> CallInfo:
        operation, doing = VERBS[verb]
        return CallInfo(
            what=f"{doing} {kind.name} {number}".rstrip(),
            operation=operation,
            permission=RESOURCES[kind.collection].permissions.get(verb, ""),
            track_id=self._track_id(track_id),
        )

    def _track_id(self, given: str) -> str:
        track_id = given or uuid.uuid4().hex
        if not TRACK_ID.fullmatch(track_id):
            raise ValueError("A track id has at most 64 ASCII characters, no colon, no quote.")
        return track_id

    def _request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Request:
        return Request(
            method=method,
            target=target,
            body=body,
            headers=MappingProxyType({**self._headers, **headers}),
        )

    def _token_source(self, credentials: Credentials) -> TokenSource:
        if credentials.token:
            return TokenSource(None, clock=self._clock.now, bearer=Token(text=credentials.token))

        def fetch(deadline: float) -> Token:
            call: Call[Token] = Call(
                info=CallInfo(
                    what="Signing in", operation=Operation.TOKEN, track_id=self._track_id("")
                ),
                request=Request(
                    method="POST",
                    target="/oauth/token",
                    body=urlencode(credentials.form()).encode("ascii"),
                    content_type=FORM,
                    confidential=True,
                ),
                accept=token_of,
            )
            token = self._caller.perform(call, tokens=None, deadline=deadline)
            self._redactor.add(token.text)
            return token

        return TokenSource(fetch, clock=self._clock.now)


VERBS: Mapping[str, tuple[Operation, str]] = {
    "read": (Operation.READ, "Reading"),
    "create": (Operation.CREATE, "Creating a"),
    "update": (Operation.CHANGE, "Updating"),
    "cancel": (Operation.CHANGE, "Cancelling"),
    "delete": (Operation.CHANGE, "Deleting"),
}


def _path(kind: Kind, number: str | None = None, last: str | None = None) -> str:
    """The target of a call. Only a valid number of the kind becomes part of it (I-34)."""
    parts = ["/v1", kind.collection]
    if number is not None:
        if not decoding.is_number(number, kind=kind):
            raise RequestRefused(
                f"{number!r} is not a number of a {kind.name}, so nothing was sent.",
                remedy="Check the record of this declaration in the daybook.",
            )
        parts.append(number)
    if last is not None:
        parts.append(last)
    return "/".join(parts)
