"""What the texts of made-up entries are written with: patterns of sentences, and words beside the vocabulary's.

Lists of words are written as text with spaces between.
"""

# In patterns: {t} a term of the entry's sector, {c} a compound, {a} an adjective, {v} a verb, {n} a made-up name,
# {p} a municipality.
PATTERNS = {
    "sv": (
        "Här kan företag och forskare {v} {a} {c} tillsammans med personal från {n}.",
        "Miljön har {t}, {t} och {c} för den som vill {v} nya lösningar.",
        "Vi erbjuder {a} {t} i {p} och hjälp att {v} resultaten.",
        "Utrustningen för {c} är {a} och kan bokas per dag.",
        "{n} driver verksamheten inom {t} sedan flera år, med fokus på {c}.",
        "Användare, personal och leverantörer deltar när ni ska {v} {t}.",
        "Testet gäller {c} eller {t} i en {a} vardag.",
        "Mätningar av {t} görs med {c} och sparas i {a} form.",
        "Den som vill {v} {c} får stöd av {n}, som kan {t} och {t}.",
        "Platsen ligger i {p} och är {a} för {t}.",
    ),
    "en": (
        "Companies and researchers can {v} {a} {t} here together with staff from {n}.",
        "The environment has {t}, {t} and {c} for those who want to {v} new solutions.",
        "We offer {a} {t} in {p} and help you {v} the results.",
        "The equipment for {c} is {a} and can be booked by the day.",
        "{n} has worked with {t} for several years, with a focus on {c}.",
        "Users, staff and suppliers take part when you {v} {t}.",
        "The test is about {c} or {t} in {a} everyday life.",
        "Measurements of {t} are made with {c} and kept in a {a} form.",
        "Whoever wants to {v} {c} is helped by {n}, with experience of {t} and {t}.",
        "The place is in {p} and is {a} for {t}.",
    ),
}
TITLES = {
    "sv": ("Testbädd för {t} i {p}", "{n}: {c}", "{c} och {t}", "{n} testmiljö", "Demomiljö {n} för {c}", "{n} i {p}"),
    "en": ("Testbed for {t} in {p}", "{n}: {c}", "{c} and {t}", "{n} test environment", "{n} demo for {c}", "{n}, {p}"),
}
ADJECTIVES = {
    "sv": (
        "digital verklig öppen säker enkel ny modern hållbar autonom kontrollerad flexibel realistisk gemensam mobil "
        "smart klinisk teknisk användarnära trådlös uppkopplad elektrisk tillgänglig avancerad anpassad noggrann "
        "oberoende skalbar energisnål tyst robust"
    ),
    "en": (
        "digital real open safe simple new modern sustainable autonomous controlled flexible realistic shared mobile "
        "smart clinical technical wireless connected electric accessible advanced adapted careful independent "
        "scalable efficient quiet robust full-scale"
    ),
}
VERBS = {
    "sv": (
        "testa prova utveckla utvärdera mäta jämföra visa demonstrera införa anpassa förbättra simulera bygga "
        "planera undersöka dokumentera följa optimera automatisera upphandla"
    ),
    "en": (
        "test try develop evaluate measure compare show demonstrate introduce adapt improve simulate build plan "
        "study document follow optimise automate procure"
    ),
}
# Any beginning with any head is a compound, in English two words.
BEGINNINGS = {
    "sv": (
        "vård buss tåg cykel energi vatten luft museum bygg sensor data robot drönar batteri patient ambulans "
        "väg gatu park skol hem kök ljud ljus värme avfalls klimat el gas solcells hamn spår tunnel station "
        "biblioteks scen teater film spel konsert arkiv bild läkemedels operations röntgen labb rehab "
        "äldre barn kultur natur trafik parkerings leverans lager kylvatten"
    ),
    "en": (
        "care bus train bicycle energy water air museum building sensor data robot drone battery patient ambulance "
        "road street park school home kitchen sound light heating waste climate electric gas solar harbour track "
        "tunnel station library stage theatre film game concert archive image medicine surgery imaging laboratory "
        "rehabilitation elderly child culture nature traffic parking delivery storage cooling"
    ),
}
HEADS = {
    "sv": (
        "system teknik bana miljö test mätning hantering rening styrning belysning plattform modell tjänst lokal "
        "anläggning larm vagn fordon kamera nät karta lager logistik övervakning planering analys simulering visning "
        "utställning samling verkstad sal rum service drift underhåll"
    ),
    "en": (
        "system technology track environment test measurement handling treatment control lighting platform model "
        "service facility plant alarm wagon vehicle camera network map storage logistics monitoring planning analysis "
        "simulation display exhibition collection workshop hall room support operations maintenance"
    ),
}
# Three syllables make the name of a place that does not exist.
SYLLABLES = (
    "sol nord syd väst öst berg lund ek björk ström sjö dal ås kull hav strand skog äng tall gran vik fors näs holm",
    "a e o i u ar er ing inge els ans ors es um",
    "vik holm dal berga torp stad näs lund hamn by fors strand rum hus gård parken lab centrum arena kvarn",
)
MUNICIPALITIES = (
    "Stockholm Solna Huddinge Södertälje Göteborg Malmö Uppsala Linköping Umeå Luleå Lund Västerås Örebro Borås "
    "Skövde Gävle Karlstad Jönköping Helsingborg Norrköping Sundsvall Östersund Nykvarn Järfälla Sollentuna Nacka "
    "Botkyrka Haninge Täby Norrtälje Sigtuna Upplands-Bro Lidingö Danderyd Tyresö Värmdö Ekerö Vallentuna Eskilstuna"
)
