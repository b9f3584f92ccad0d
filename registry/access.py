"""Who somebody is and what they may do: Actor, Permission, what each role may, and composable rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from registry.errors import N_, Message, NotPermitted, NotSignedIn, message


class Role(StrEnum):
    """The roles of DOMAIN.md; a visitor has none."""

    FIRM = "firm"
    EMPLOYEE = "employee"
    HOST = "host"
    PROCUREMENT = "procurement"
    LEGAL = "legal"
    COORDINATOR = "coordinator"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What can be permitted, as `resource:action`."""

    ENTRY_READ_STAFF = "entry:read-staff"
    ENTRY_EDIT = "entry:edit"
    ENTRY_PUBLISH = "entry:publish"
    BOOKING_CREATE = "booking:create"
    BOOKING_DECIDE = "booking:decide"
    BOOKING_READ_ALL = "booking:read-all"
    BOOKING_READ_NOTES = "booking:read-notes"
    IP_ASSESS = "ip:assess"
    AGREEMENT_CREATE = "agreement:create"
    AGREEMENT_REVIEW = "agreement:review"
    AGREEMENT_READ_ALL = "agreement:read-all"
    AGREEMENT_SEARCH = "agreement:search"
    PROCUREMENT_EDIT = "procurement:edit"
    PROCUREMENT_READ_ALL = "procurement:read-all"
    AUDIT_READ = "audit:read"
    PEOPLE_MANAGE = "people:manage"
    VOCABULARY_READ = "vocabulary:read"
    VOCABULARY_EDIT = "vocabulary:edit"
    SEARCH_STATISTICS_READ = "search-statistics:read"


_P = Permission
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.FIRM: frozenset({_P.BOOKING_CREATE, _P.AGREEMENT_CREATE}),
    Role.EMPLOYEE: frozenset({_P.BOOKING_CREATE, _P.ENTRY_READ_STAFF}),
    Role.HOST: frozenset({_P.ENTRY_READ_STAFF, _P.ENTRY_EDIT, _P.BOOKING_DECIDE}),
    Role.PROCUREMENT: frozenset(
        {_P.ENTRY_READ_STAFF, _P.PROCUREMENT_EDIT, _P.PROCUREMENT_READ_ALL, _P.AGREEMENT_CREATE}
    ),
    Role.LEGAL: frozenset(
        {
            _P.ENTRY_READ_STAFF,
            _P.AGREEMENT_CREATE,
            _P.AGREEMENT_REVIEW,
            _P.AGREEMENT_READ_ALL,
            _P.AGREEMENT_SEARCH,
            _P.BOOKING_READ_ALL,
            _P.IP_ASSESS,
        }
    ),
    Role.COORDINATOR: frozenset(
        {
            _P.ENTRY_READ_STAFF,
            _P.ENTRY_EDIT,
            _P.ENTRY_PUBLISH,
            _P.PEOPLE_MANAGE,
            _P.VOCABULARY_READ,
            _P.VOCABULARY_EDIT,
            _P.SEARCH_STATISTICS_READ,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            _P.ENTRY_READ_STAFF,
            _P.BOOKING_READ_ALL,
            _P.BOOKING_READ_NOTES,
            _P.AGREEMENT_READ_ALL,
            _P.PROCUREMENT_READ_ALL,
            _P.AUDIT_READ,
            _P.VOCABULARY_READ,
            _P.SEARCH_STATISTICS_READ,
        }
    ),
}


@dataclass(frozen=True)
class Grant:
    """A role, limited to one organisation or unit, or unlimited (`organisation_id` is None)."""

    role: Role
    organisation_id: int | None = None


@dataclass(frozen=True)
class Actor:
    """Who acts: a signed-in person, a visitor (no `person_id`), or the system itself."""

    person_id: int | None = None
    name: str = ""
    email: str = ""
    language: str = "sv"
    grants: frozenset[Grant] = field(default_factory=frozenset)
    is_system: bool = False

    @property
    def is_signed_in(self) -> bool:
        return self.person_id is not None

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    def may(self, permission: Permission, organisation_ids: Iterable[int | None] | None = None) -> bool:
        """Whether one of the actor's roles has `permission`.

        With `organisation_ids` (those responsible for the thing) a limited role counts only where its
        organisation or unit is among them; without, any role that has the permission counts.
        """
        if self.is_system:
            return True
        among = None if organisation_ids is None else set(organisation_ids)
        return any(
            permission in ROLE_PERMISSIONS[grant.role]
            and (among is None or grant.organisation_id is None or grant.organisation_id in among)
            for grant in self.grants
        )

    def organisations(self, *roles: Role) -> frozenset[int]:
        """The organisations that the actor's roles among `roles` are limited to."""
        return frozenset(
            grant.organisation_id for grant in self.grants if grant.role in roles and grant.organisation_id is not None
        )

    def has_unlimited(self, permission: Permission) -> bool:
        """Whether a role that is not limited to an organisation has `permission`."""
        return self.is_system or any(
            grant.organisation_id is None and permission in ROLE_PERMISSIONS[grant.role] for grant in self.grants
        )

    def limited_to(self, permission: Permission) -> frozenset[int]:
        """The organisations and units in which limited roles give `permission`."""
        return frozenset(
            grant.organisation_id
            for grant in self.grants
            if grant.organisation_id is not None and permission in ROLE_PERMISSIONS[grant.role]
        )


VISITOR = Actor()
SYSTEM = Actor(name="registry", is_system=True)

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """A predicate that answers None for yes and the reason for no. `a & b` and `a | b` make new rules.

    Rules are pure: all they judge is in the actor and the subject.
    """

    check: Callable[[Actor, T], Message | None]

    def __call__(self, actor: Actor, subject: T) -> Message | None:
        return self.check(actor, subject)

    def __and__(self, other: Rule[T]) -> Rule[T]:
        return Rule(lambda actor, subject: self(actor, subject) or other(actor, subject))

    def __or__(self, other: Rule[T]) -> Rule[T]:
        def either(actor: Actor, subject: T) -> Message | None:
            first = self(actor, subject)
            return None if first is None else (None if other(actor, subject) is None else first)

        return Rule(either)

    def allows(self, actor: Actor, subject: T) -> bool:
        """Whether the answer is yes."""
        return self(actor, subject) is None


def require_signed_in(actor: Actor) -> None:
    """Raises NotSignedIn for a visitor."""
    if not actor.is_signed_in and not actor.is_system:
        raise NotSignedIn


def require(actor: Actor, permission: Permission, organisation_ids: Iterable[int | None] | None = None) -> None:
    """Raises NotSignedIn or NotPermitted unless the actor has the permission."""
    require_signed_in(actor)
    if not actor.may(permission, organisation_ids):
        raise NotPermitted(
            message(N_("Your role does not include this. Ask the innovation unit if you think it should."))
        )
