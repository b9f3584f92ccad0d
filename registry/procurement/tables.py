"""Tables of procurements and innovation partnerships. Amounts are in the currency's minor unit."""

from uuid import uuid4

from piccolo.columns import (
    UUID,
    Array,
    BigInt,
    BigSerial,
    Date,
    ForeignKey,
    Integer,
    LazyTableReference,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.database import one_of, some_of
from registry.procurement.codes import InnovationCode, PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.states import Stage


class Procurement(Table):
    """An innovation procurement. Title, summary and responsibility are in its entry; the buyer is accountable.

    Until award, the texts, values and bidders here are for the procurement team only.
    `version` counts the changes, for noticing that two people edit at once.
    """

    id = UUID(primary_key=True, default=uuid4)
    entry: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Entry", "entries"), null=False, unique=True, on_delete=OnDelete.restrict
    )
    buyer: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    dnr = Varchar(length=60, default="")
    stage = Varchar(length=20, default=Stage.NEED)
    procedure = Varchar(length=30)
    innovation_codes = Array(base_column=Varchar(length=20))
    cpv = Array(base_column=Varchar(length=10))
    need = Text(default="")
    criteria = Text(default="")
    estimated_minor = BigInt(null=True, default=None)
    final_minor = BigInt(null=True, default=None)
    currency = Varchar(length=3, default="SEK")
    deadline = Timestamptz(null=True, default=None)
    cancel_reason = Text(default="")
    notice = Varchar(length=60, default="")
    version = Integer(default=1)
    created_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    created_at = Timestamptz(default=TimestamptzNow())

    stage_is_known = one_of("stage", Stage)
    procedure_is_known = one_of("procedure", Procedure)
    innovation_codes_are_known = some_of("innovation_codes", InnovationCode)
    values_are_positive = Check("estimated_minor >= 0 AND final_minor >= 0")
    currency_is_a_code = Check("currency ~ '^[A-Z]{3}$'")
    cancelled_says_why = Check("stage <> 'cancelled' OR cancel_reason <> ''")


class Partnership(Table):
    """An innovation partnership (directive 2014/24/EU, article 31).

    `performance_level` and `highest_cost_minor` are what was agreed for the later purchase. `version` counts
    the changes of the partnership and its phases.
    """

    id = UUID(primary_key=True, default=uuid4)
    entry: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Entry", "entries"), null=False, unique=True, on_delete=OnDelete.restrict
    )
    procurement = ForeignKey(Procurement, on_delete=OnDelete.restrict)
    agreement: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Agreement", "agreements"), on_delete=OnDelete.restrict
    )
    dnr = Varchar(length=60, default="")
    performance_level = Text(default="")
    highest_cost_minor = BigInt(null=True, default=None)
    currency = Varchar(length=3, default="SEK")
    purchase = Varchar(length=20, default=Purchase.UNDECIDED)
    version = Integer(default=1)
    created_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    created_at = Timestamptz(default=TimestamptzNow())

    purchase_is_known = one_of("purchase", Purchase)
    cost_is_positive = Check("highest_cost_minor >= 0")
    currency_is_a_code = Check("currency ~ '^[A-Z]{3}$'")
    purchase_was_agreed_beforehand = Check(
        "purchase <> 'purchased' OR (performance_level <> '' AND highest_cost_minor IS NOT NULL)"
    )


class Partner(Table):
    """An organisation that takes part in a partnership."""

    id = BigSerial(primary_key=True)
    partnership = ForeignKey(Partnership, null=False, on_delete=OnDelete.cascade)
    organisation: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    role = Varchar(length=20)

    role_is_known = one_of("role", PartnerRole)
    partner_once = Unique([partnership, organisation])


class Phase(Table):
    """One phase of a partnership. `starts_on` and `ends_on` are dates in Europe/Stockholm, both included."""

    id = BigSerial(primary_key=True)
    partnership = ForeignKey(Partnership, null=False, on_delete=OnDelete.cascade)
    number = SmallInt()
    title = Text()
    targets = Text(default="")
    remuneration_minor = BigInt(null=True, default=None)
    currency = Varchar(length=3, default="SEK")
    starts_on = Date()
    ends_on = Date()
    agreement: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Agreement", "agreements"), on_delete=OnDelete.restrict
    )
    decision = Varchar(length=20, null=True, default=None)
    decision_reasons = Text(default="")
    decided_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)

    phase_one_of_each_number = Unique([partnership, number])
    decision_is_known = one_of("decision", PhaseDecision)
    starts_before_it_ends = Check("starts_on <= ends_on")
    remuneration_is_positive = Check("remuneration_minor >= 0")
    currency_is_a_code = Check("currency ~ '^[A-Z]{3}$'")
    decisions_say_why = Check("decision IS NULL OR decision_reasons <> ''")


class PhaseEnvironment(Table):
    """An environment that a phase uses."""

    id = BigSerial(primary_key=True)
    phase = ForeignKey(Phase, null=False, on_delete=OnDelete.cascade)
    environment: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Environment", "entries"), null=False, on_delete=OnDelete.restrict
    )

    phase_environment_once = Unique([phase, environment])
