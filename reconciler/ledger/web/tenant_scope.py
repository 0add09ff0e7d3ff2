"""Zuora-Entity-Ids and Zuora-Org-Ids: in which entity, and for which organizations (facts 1.1)."""

from dataclasses import replace

import falcon

from ..auth.clients import Caller
from .errors import INVALID_VALUE, MISSING_PARAMETER, PERMISSION, refusal
from .headers import ENTITY, ORGANIZATIONS


def scoped(request: falcon.Request, caller: Caller) -> Caller:
    """The caller in the entity chosen, with the organizations chosen. Raises Refusal.

    Where a tenant has one entity there is nothing to choose, and without Multi-Org neither; what
    is sent there all the same is left to `headers.check_scope`.
    """
    if caller.entities:
        entity_id = _chosen(request, caller)
        caller = replace(caller, tenant_id=caller.entities[entity_id], entity_id=entity_id)
    asked = _listed(request, ORGANIZATIONS)
    if caller.organizations is None or not asked:
        return caller
    if not set(asked) <= set(caller.organizations):
        raise refusal(PERMISSION, f"{ORGANIZATIONS} names an organization that is not the user's")
    return replace(caller, organizations={key: caller.organizations[key] for key in asked})


def _chosen(request: falcon.Request, caller: Caller) -> str:
    asked = _listed(request, ENTITY)
    if len(caller.entities) == 1:
        if request.get_header(ENTITY) is not None:
            raise refusal(
                INVALID_VALUE, f"{ENTITY} must not be sent: the token spans a single entity"
            )
        return next(iter(caller.entities))
    if not asked:
        raise refusal(MISSING_PARAMETER, f"{ENTITY} is required: the token spans several entities")
    if len(asked) > 1:
        raise refusal(INVALID_VALUE, f"{ENTITY} must name one entity")
    if asked[0] not in caller.entities:
        raise refusal(PERMISSION, f"{ENTITY} names an entity the token does not span")
    return asked[0]


def _listed(request: falcon.Request, name: str) -> list[str]:
    return [part.strip() for part in (request.get_header(name) or "").split(",") if part.strip()]
