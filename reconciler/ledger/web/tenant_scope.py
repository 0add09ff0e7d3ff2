"""Zuora-Entity-Ids and Zuora-Org-Ids: the entity and the organizations of a request (facts 1.1)."""

from dataclasses import replace

import falcon

from ..auth.clients import Caller
from .errors import INVALID_VALUE, MISSING_PARAMETER, PERMISSION, refusal

ENTITY, ORGANIZATIONS = "Zuora-Entity-Ids", "Zuora-Org-Ids"


def scoped(request: falcon.Request, caller: Caller) -> Caller:
    """The caller, limited to the entity and organizations of the headers. Raises Refusal.

    The id of a tenant's single entity is accepted.
    """
    entity = request.get_header(ENTITY)
    if caller.entities:
        entity_id = _chosen(request, caller)
        caller = replace(caller, tenant_id=caller.entities[entity_id], entity_id=entity_id)
    elif entity is not None and entity.strip() != caller.entity_id:
        raise refusal(PERMISSION, f"{ENTITY} names an entity the token does not span")
    asked = _listed(request, ORGANIZATIONS)
    if not asked:
        return caller
    if caller.organizations is None:
        raise refusal(PERMISSION, f"{ORGANIZATIONS} needs a Multi-Org tenant")
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
