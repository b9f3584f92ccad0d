"""The states of an agreement and the one table of allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum


class AgreementState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"


_S = AgreementState
TRANSITIONS: Mapping[str, Mapping[AgreementState, AgreementState]] = {
    "submit": {_S.DRAFT: _S.IN_REVIEW, _S.CHANGES_REQUESTED: _S.IN_REVIEW},
    "request_changes": {_S.IN_REVIEW: _S.CHANGES_REQUESTED},
    "approve": {_S.IN_REVIEW: _S.APPROVED},
    "sign": {_S.APPROVED: _S.SIGNED},
    "enter_into_force": {_S.SIGNED: _S.IN_FORCE},
    "expire": {_S.IN_FORCE: _S.EXPIRED},
    "terminate": {_S.IN_FORCE: _S.TERMINATED},
    "supersede": {_S.IN_FORCE: _S.SUPERSEDED},
}

# An agreement in one of these may still come into force.
PENDING = frozenset({_S.DRAFT, _S.IN_REVIEW, _S.CHANGES_REQUESTED, _S.APPROVED, _S.SIGNED})
# The same without drafts, which are their author's until they are sent in: these are on their way.
UNDER_WAY = PENDING - {_S.DRAFT}
# Whoever signs up to an agreement may do so before legal has approved it; the state follows the last signature.
SIGNABLE = frozenset({_S.IN_REVIEW, _S.APPROVED})
# The text may be changed: by a new version.
EDITABLE = frozenset({_S.DRAFT, _S.CHANGES_REQUESTED})
# Nothing more happens to an agreement in one of these.
OVER = frozenset({_S.EXPIRED, _S.TERMINATED, _S.SUPERSEDED})


class OrderState(StrEnum):
    """Of an order to an e-signature service."""

    ORDERED = "ordered"
    SIGNED = "signed"
    REFUSED = "refused"
    EXPIRED = "expired"


# What a service may tell of an order; whatever it tells of one that is closed changes nothing.
ORDER_TRANSITIONS: Mapping[str, Mapping[OrderState, OrderState]] = {
    "sign": {OrderState.ORDERED: OrderState.SIGNED},
    "refuse": {OrderState.ORDERED: OrderState.REFUSED},
    "expire": {OrderState.ORDERED: OrderState.EXPIRED},
}
