"""What is asked in the measurements: fifty searches as people write them, and what they type before they are done."""

from urllib.parse import urlencode

Query = tuple[tuple[str, str], ...]


def _asked(text: str, **filters: str) -> Query:
    return (("q", text), *filters.items())


SEARCHES: tuple[Query, ...] = (
    # One word.
    _asked("drönare"),
    _asked("sjukhus"),
    _asked("minibuss"),
    _asked("strålterapi"),
    _asked("teater", sector="culture"),
    _asked("energi", kind="testbed"),
    _asked("vatten", kind="testbed", sector="environment"),
    _asked("museum", kind="demo_environment"),
    _asked("bussarna", sector="transport"),
    _asked("ambulans", kind="testbed", sector="healthcare"),
    _asked("testbana"),
    _asked("elbåt"),
    # Compounds.
    _asked("vägbelysning"),
    _asked("patientövervakning", sector="healthcare"),
    _asked("batterilager", kind="testbed"),
    _asked("kylvattenrening"),
    _asked("drönarleverans", kind="testbed", sector="transport"),
    _asked("robotvagn"),
    _asked("biblioteksutställning", sector="culture"),
    _asked("spårvagnsdepå"),
    _asked("luftmätningar", sector="environment"),
    _asked("operationssal", kind="testbed", sector="healthcare"),
    # Two and more words.
    _asked("smarta lås"),
    _asked("autonom buss", sector="transport"),
    _asked("digital vård"),
    _asked("hållbar energi", kind="testbed", sector="environment"),
    _asked("artificiell intelligens röntgen"),
    _asked("virtuell verklighet museum", sector="culture"),
    _asked("mobil kamera", kind="demo_environment"),
    _asked("avfall sensor", sector="environment"),
    _asked("läkemedel patientdata"),
    _asked("elektrisk lastbil laddning", kind="testbed"),
    _asked("buller trafik Stockholm"),
    _asked("testmiljö för hemsjukvård", sector="healthcare"),
    # English.
    _asked("drone"),
    _asked("hospital", kind="testbed"),
    _asked("winter vehicle testing"),
    _asked("water treatment", sector="environment"),
    _asked("health data"),
    _asked("autonomous vehicles", kind="testbed", sector="transport"),
    _asked("battery storage"),
    _asked("stage lighting", sector="culture"),
    _asked("patient monitoring", kind="testbed", sector="healthcare"),
    _asked("robot"),
    # Misspelt, or without å, ä and ö.
    _asked("stralterapi"),
    _asked("ambulanns"),
    _asked("drönnare", kind="testbed"),
    _asked("energgi lager"),
    # Without words, and what nobody has.
    _asked("", kind="testbed", sector="transport"),
    _asked("kvantgravitation"),
)
TYPED = ("drönare", "testbä", "energi", "solv", "vatten", "museum", "patien", "buss", "robot", "nordav", "ek", "klima")


def searches() -> list[str]:
    """The addresses of the searches."""
    return [f"/api/v1/entries?{urlencode([pair for pair in query if pair[1]])}" for query in SEARCHES]


def suggestions() -> list[str]:
    """The addresses that are asked while people type, one for each letter."""
    beginnings = dict.fromkeys(word[:length] for word in TYPED for length in range(1, min(len(word), 6) + 1))
    return [f"/api/v1/entries/suggest?{urlencode({'q': beginning})}" for beginning in beginnings]
