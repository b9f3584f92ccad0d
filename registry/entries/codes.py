"""The codes of entries, in the domain's words."""

from enum import StrEnum


class Kind(StrEnum):
    """What the registry lists."""

    TESTBED = "testbed"
    DEMO_ENVIRONMENT = "demo_environment"
    INNOVATION_PROCUREMENT = "innovation_procurement"
    INNOVATION_PARTNERSHIP = "innovation_partnership"


ENVIRONMENT_KINDS = frozenset({Kind.TESTBED, Kind.DEMO_ENVIRONMENT})
PROCUREMENT_KINDS = frozenset({Kind.INNOVATION_PROCUREMENT, Kind.INNOVATION_PARTNERSHIP})


class Sector(StrEnum):
    HEALTHCARE = "healthcare"
    TRANSPORT = "transport"
    CULTURE = "culture"
    ENVIRONMENT = "environment"


class Perspective(StrEnum):
    """The four perspectives of the region's innovation strategy."""

    EVERYDAY_SERVICES = "everyday_services"
    QUALITY = "quality"
    EFFICIENCY = "efficiency"
    INSIGHT = "insight"


class Specialisation(StrEnum):
    """The areas of the region's smart specialisation strategy (S3)."""

    LIFE_SCIENCE = "life_science"
    ICT_TECH = "ict_tech"
    INDUSTRIAL_TRANSITION = "industrial_transition"
    CLIMATE_CITIES = "climate_cities"


class Track(StrEnum):
    """Who answers for innovation work: the executive board, or the growth and regional planning committee."""

    INTERNAL = "internal"
    REGIONAL_DEVELOPMENT = "regional_development"


class Visibility(StrEnum):
    PUBLIC = "public"
    STAFF = "staff"


class Audience(StrEnum):
    """Who may book an environment."""

    EXTERNAL = "external"
    EMPLOYEE = "employee"


class Remuneration(StrEnum):
    FREE = "free"
    FIXED = "fixed"
    HOURLY = "hourly"
    SHARED_COST = "shared_cost"
    BY_AGREEMENT = "by_agreement"


class Relation(StrEnum):
    """How one entry relates to another, read from the first to the second."""

    USES = "uses"
    LED_TO = "led_to"
    RELATED = "related"
