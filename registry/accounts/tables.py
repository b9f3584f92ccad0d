"""Tables of accounts."""

from piccolo.columns import (
    Boolean,
    Date,
    ForeignKey,
    LazyTableReference,
    Serial,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.access import Role
from registry.accounts.codes import FirmSize, OrganisationKind
from registry.database import one_of


class Organisation(Table):
    """A committee or company of the region, a unit in one, or an external organisation."""

    id = Serial(primary_key=True)
    parent: ForeignKey[Table] = ForeignKey(LazyTableReference("Organisation", "accounts"), on_delete=OnDelete.restrict)
    kind = Varchar(length=20)
    name_sv = Text(unique=True)
    name_en = Text(default="")
    org_number = Varchar(length=20, null=True, default=None, unique=True)
    size = Varchar(length=10, null=True, default=None)
    contact_email = Varchar(length=254, default="")
    created_at = Timestamptz(default=TimestamptzNow())

    kind_is_known = one_of("kind", OrganisationKind)
    size_is_known = one_of("size", FirmSize)
    units_have_a_parent = Check("(kind = 'unit') = (parent IS NOT NULL)")
    has_a_name = Check("name_sv <> ''")


class Person(Table):
    """Somebody with an account. The e-mail address is stored in lower case."""

    id = Serial(primary_key=True)
    email = Varchar(length=254, unique=True)
    name = Text()
    password_hash = Text(null=True, default=None)
    language = Varchar(length=2, default="sv")
    organisation = ForeignKey(Organisation, on_delete=OnDelete.restrict)
    active = Boolean(default=True)
    created_at = Timestamptz(default=TimestamptzNow())

    email_is_lower_case = Check("email = lower(email) AND email LIKE '%@%'")
    language_is_known = Check("language IN ('sv', 'en')")


class RoleAssignment(Table):
    """A role that a person holds, limited to an organisation or unit where one is named."""

    id = Serial(primary_key=True)
    person = ForeignKey(Person, null=False, on_delete=OnDelete.cascade)
    role = Varchar(length=20)
    organisation = ForeignKey(Organisation, on_delete=OnDelete.cascade)
    granted_at = Timestamptz(default=TimestamptzNow())

    role_is_known = one_of("role", Role)
    role_assignment_once = Unique([person, role, organisation], nulls_distinct=False)


class SigningAuthority(Table):
    """That a person may sign for an organisation, or (`organisation` is None) for every public party.

    From a day until a day, both included, in Europe/Stockholm; `ground` names the decision or document that gives it.
    Nobody gives it to themselves. One from before authorities were recorded has no giver.
    """

    id = Serial(primary_key=True)
    person = ForeignKey(Person, null=False, on_delete=OnDelete.cascade)
    organisation = ForeignKey(Organisation, on_delete=OnDelete.restrict)
    valid_from = Date()
    valid_until = Date(null=True, default=None)
    ground = Text()
    given_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    given_at = Timestamptz(default=TimestamptzNow())

    starts_before_it_ends = Check("valid_from <= valid_until")
    has_a_ground = Check("ground <> ''")
    nobody_gives_it_to_themselves = Check("given_by <> person")


class Session(Table):
    """A signed-in browser. The cookie holds a random token; only its SHA-256 is stored."""

    id = Serial(primary_key=True)
    token_hash = Varchar(length=64, unique=True)
    person = ForeignKey(Person, null=False, on_delete=OnDelete.cascade)
    created_at = Timestamptz(default=TimestamptzNow())
    expires_at = Timestamptz(default=TimestamptzNow())


class ApiToken(Table):
    """A bearer token for the API; only its SHA-256 is stored."""

    id = Serial(primary_key=True)
    token_hash = Varchar(length=64, unique=True)
    person = ForeignKey(Person, null=False, on_delete=OnDelete.cascade)
    label = Text(default="")
    created_at = Timestamptz(default=TimestamptzNow())
    revoked_at = Timestamptz(null=True, default=None)


class SignInAttempt(Table):
    """A failed attempt to sign in, kept for the lockout window only."""

    id = Serial(primary_key=True)
    email = Varchar(length=254, index=True, index_method=IndexMethod.btree)
    at = Timestamptz(default=TimestamptzNow())
