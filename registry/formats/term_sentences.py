"""One sentence for every code of every IP term, told to whoever signs up to the agreement.

`%(host)s` and `%(Host)s` are the public party, `%(n)s` a number with its unit, `%(text)s` a short text.
"""

from collections.abc import Mapping

from registry.agreements.codes import TermGroup
from registry.errors import N_

# By field, and for fields with codes by code; "" is the sentence of fields with a number or a text.
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "background_listed": {
        "yes": N_("What each party brings with it is listed before the work begins."),
        "no": N_("There is no list of what each party brings with it."),
    },
    "background_owner": {
        "each_own": N_("You keep what you bring with you, and %(host)s keeps what it brings."),
        "region": N_("What existed before the work and is used in it belongs to %(host)s."),
        "counterparty": N_("What existed before the work and is used in it belongs to you."),
    },
    "background_use_during": {
        "free": N_("During the work, you and %(host)s may freely use what the other has brought."),
        "on_request": N_("During the work, you and %(host)s may use what the other has brought, but must ask first."),
        "none": N_("You and %(host)s get no right to use what the other has brought."),
    },
    "background_use_after": {
        "free": N_("After the work, you and %(host)s may still freely use what the other has brought."),
        "fair_terms": N_(
            "Whoever needs what the other has brought to use the results afterwards gets a licence on fair terms."
        ),
        "none": N_("After the work, neither you nor %(host)s may use what the other has brought."),
    },
    "results_ownership": {
        "buyer": N_("%(Host)s owns the results."),
        "supplier": N_("You own the results."),
        "each_own": N_("You own the results that you produce, and %(host)s owns those that it produces."),
        "joint": N_("You and %(host)s own the results together."),
        "inventor": N_("The results belong to the inventor: the person who has produced them."),
    },
    "results_share_percent": {"": N_("Your share of the results that you own together is %(n)s.")},
    "region_rights": {
        "assignment": N_("The rights to the results pass to %(host)s."),
        "exclusive": N_("Only %(host)s may use the results in the way that the agreement describes."),
        "non_exclusive": N_("%(Host)s may use the results, but not as the only one."),
        "use_only": N_("%(Host)s may use the results, but not sell them."),
        "none": N_("%(Host)s gets no right to use the results."),
    },
    "region_purpose": {
        "own_operations": N_("%(Host)s may use the results in its own operations only."),
        "public_sector": N_("%(Host)s may use the results in public services."),
        "any": N_("%(Host)s may use the results for any purpose."),
    },
    "region_field": {"": N_("The right of %(host)s to use the results applies to: %(text)s.")},
    "region_territory": {
        "sweden": N_("%(Host)s may use the results in Sweden."),
        "eu": N_("%(Host)s may use the results in the EU."),
        "worldwide": N_("%(Host)s may use the results in the whole world."),
    },
    "region_term_months": {"": N_("%(Host)s may use the results for %(n)s.")},
    "region_sublicensing": {
        "other_regions": N_("%(Host)s may let other regions use the results."),
        "none": N_("%(Host)s may not let others use the results."),
        "free": N_("%(Host)s may let anybody use the results."),
    },
    "region_modify": {
        "yes": N_("%(Host)s may change the results to fit its needs."),
        "no": N_("%(Host)s may not change the results."),
    },
    "region_source_code": {
        "source_code": N_("%(Host)s gets the source code."),
        "escrow": N_(
            "The source code is deposited with somebody independent, and %(host)s gets it only in the agreed cases."
        ),
        "none": N_("%(Host)s does not get the source code."),
    },
    "commercialisation": {
        "allowed": N_("You may sell solutions that build on the results."),
        "with_consent": N_("You may sell solutions that build on the results if %(host)s agrees."),
        "not_allowed": N_("You may not sell solutions that build on the results."),
    },
    "commercial_return": {
        "none": N_("You pay nothing to %(host)s for what you sell."),
        "royalty": N_("You pay a royalty to %(host)s on what you sell."),
        "price_reduction": N_("%(Host)s pays a lower price when it buys the solution."),
    },
    "commercial_deadline_months": {"": N_("You have %(n)s to bring the results to the market.")},
    "march_in": {
        "yes": N_("If you do not put the results to use, %(host)s may take over the right to do so."),
        "no": N_("You keep your right to the results even if you do not put them to use."),
    },
    "sideground_owner": {
        "region": N_("What is made alongside the work belongs to %(host)s."),
        "counterparty": N_("What is made alongside the work belongs to you."),
        "each_own": N_("What is made alongside the work belongs to whoever makes it."),
        "joint": N_("What is made alongside the work belongs to you and %(host)s together."),
    },
    "improvements_owner": {
        "region": N_("Improvements of the results belong to %(host)s."),
        "counterparty": N_("Improvements of the results belong to you."),
        "each_own": N_("Improvements of the results belong to whoever makes them."),
        "joint": N_("Improvements of the results belong to you and %(host)s together."),
    },
    "data_owner": {
        "region": N_("The data belongs to %(host)s."),
        "counterparty": N_("The data belongs to you."),
        "each_own": N_("You keep your data, and %(host)s keeps its own."),
        "joint": N_("The data belongs to you and %(host)s together."),
    },
    "data_access": {
        "during_test": N_("You have access to the data while the work goes on."),
        "during_and_after": N_("You have access to the data while the work goes on and afterwards."),
        "none": N_("You get no access to the data."),
    },
    "data_portability": {
        "yes": N_("You can take the data with you in a common format."),
        "no": N_("You may not take the data with you."),
    },
    "personal_data": {
        "none": N_("The agreement involves no processing of personal data for the other party."),
        "region_controller": N_(
            "%(Host)s is the controller of the personal data, and you process it only as the controller instructs."
        ),
        "counterparty_controller": N_(
            "You are the controller of the personal data and answer for how it is processed."
        ),
        "joint_controllers": N_("You and %(host)s are joint controllers of the personal data."),
    },
    "publication": {
        "allowed": N_("You may publish the results."),
        "after_review": N_("You may publish the results when %(host)s has had time to read the text."),
        "with_consent": N_("You may publish only if %(host)s agrees."),
        "not_allowed": N_("You may not publish the results."),
    },
    "publication_review_days": {"": N_("%(Host)s has %(n)s to read a text before you publish it.")},
    "publication_delay_days": {"": N_("Publication can be put off by at most %(n)s.")},
    "confidentiality_months": {"": N_("Confidential information stays confidential for %(n)s.")},
    "patent_filing": {
        "region": N_("%(Host)s decides whether to apply for a patent."),
        "counterparty": N_("You decide whether to apply for a patent."),
        "owner": N_("Whoever owns a result decides whether to apply for a patent."),
        "joint": N_("You and %(host)s apply for patents together."),
    },
    "patent_costs": {
        "region": N_("%(Host)s pays for patents."),
        "counterparty": N_("You pay for patents."),
        "owner": N_("Whoever owns a result pays for its patent."),
        "shared": N_("You and %(host)s share the costs of patents."),
    },
    "open_source_licence": {"": N_("Software that is published as open source gets the licence %(text)s.")},
    "liability": {
        "capped": N_("Whoever causes damage pays for it, but at most the amount that the agreement names."),
        "unlimited": N_("Whoever causes damage pays for all of it: there is no upper limit."),
        "excluded": N_("Nobody has to pay for damage, as far as the law allows that."),
    },
    "warranty": {
        "as_is": N_("Everything is provided as it is, without warranties."),
        "limited": N_("Only the warranties that the agreement lists apply."),
        "full": N_("Whoever delivers warrants that it meets the requirements and infringes nobody's rights."),
    },
    "survival_months": {"": N_("The terms that outlive the agreement apply for %(n)s after it has ended.")},
    "termination_effect": {
        "rights_end": N_("When the agreement ends, the rights that it gives end too."),
        "rights_remain": N_("When the agreement ends, the rights that you and %(host)s have been given remain."),
    },
    "employee_inventions": {
        "lau_applies": N_(
            "The act on the right to employees' inventions (1949:345) applies: the employer may have a right to them."
        ),
        "teacher_exemption": N_(
            "University teachers own what they invent: the act on employees' inventions (1949:345) exempts them."
        ),
        "assignment": N_("Employees who take part hand over their rights to inventions."),
    },
    "assignment_obtained": {
        "yes": N_("Those who take part hand over their rights in writing before the work begins."),
        "no": N_("Those who take part have not handed over their rights in writing."),
    },
}

# What a field is about, to stand after "does not say" or "has not reviewed".
TOPICS: Mapping[str, str] = {
    "background_listed": N_("whether there is a list of what each party brings"),
    "background_owner": N_("who owns what each party brings"),
    "background_use_during": N_("whether you may use what the other has brought during the work"),
    "background_use_after": N_("whether you may use what the other has brought after the work"),
    "results_ownership": N_("who owns the results"),
    "results_share_percent": N_("how large each share of the results is"),
    "region_rights": N_("what right %(host)s has to use the results"),
    "region_purpose": N_("for what purpose %(host)s may use the results"),
    "region_field": N_("in what field %(host)s may use the results"),
    "region_territory": N_("where %(host)s may use the results"),
    "region_term_months": N_("for how long %(host)s may use the results"),
    "region_sublicensing": N_("whether %(host)s may let others use the results"),
    "region_modify": N_("whether %(host)s may change the results"),
    "region_source_code": N_("whether %(host)s gets the source code"),
    "commercialisation": N_("whether you may sell what comes out of it"),
    "commercial_return": N_("what you pay to %(host)s for what you sell"),
    "commercial_deadline_months": N_("when the results have to be on the market"),
    "march_in": N_("what happens if you do not put the results to use"),
    "sideground_owner": N_("who owns what is made alongside the work"),
    "improvements_owner": N_("who owns improvements of the results"),
    "data_owner": N_("whom the data belongs to"),
    "data_access": N_("whether you get access to the data"),
    "data_portability": N_("whether you can take the data with you"),
    "personal_data": N_("who is the controller of personal data"),
    "publication": N_("whether you may publish the results"),
    "publication_review_days": N_("how long %(host)s has to read a text before you publish it"),
    "publication_delay_days": N_("whether publication can be put off"),
    "confidentiality_months": N_("for how long information stays confidential"),
    "patent_filing": N_("who decides whether to apply for a patent"),
    "patent_costs": N_("who pays for patents"),
    "open_source_licence": N_("which open-source licence applies"),
    "liability": N_("who pays for damage"),
    "warranty": N_("which warranties apply"),
    "survival_months": N_("for how long terms apply after the agreement has ended"),
    "termination_effect": N_("what happens to the rights when the agreement ends"),
    "employee_inventions": N_("what applies to employees' inventions"),
    "assignment_obtained": N_("whether those who take part hand over their rights"),
}

# Why it matters, by group.
REASONS: Mapping[TermGroup, str] = {
    TermGroup.BACKGROUND: N_("Decides whether you can use each other's technology, also when the work is over."),
    TermGroup.RESULTS: N_("Decides who may use, change and sell what the work leads to."),
    TermGroup.REGION_RIGHTS: N_("Decides what the public party may do without asking or paying again."),
    TermGroup.COMMERCIALISATION: N_("Decides whether, when and at what cost the results can become a business."),
    TermGroup.SIDEGROUND: N_("Decides who owns what was not planned, and the next version."),
    TermGroup.DATA: N_("Decides what you can learn from the data, and who answers for it."),
    TermGroup.PUBLICATION: N_(
        "Decides when you can tell about the results; publishing too early can rule out a patent."
    ),
    TermGroup.CONFIDENTIALITY: N_("Decides for how long you have to keep quiet; the law on public access comes first."),
    TermGroup.PATENTS: N_("Decides who protects the results, and who bears the cost."),
    TermGroup.LIABILITY: N_("Decides what a mistake can cost, and what still applies when the agreement is over."),
    TermGroup.EMPLOYEES: N_("Decides whether the rights that the agreement deals with can be handed over at all."),
}

# Short answers for "the terms in brief"; fields with a number answer with the number.
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "results_ownership": {
        "buyer": N_("%(Host)s"),
        "supplier": N_("You do"),
        "each_own": N_("Each its own"),
        "joint": N_("You and %(host)s together"),
        "inventor": N_("The inventor"),
    },
    "region_rights": {
        "assignment": N_("Everything: the rights pass to %(host)s"),
        "exclusive": N_("Use them, as the only one"),
        "non_exclusive": N_("Use them, but not as the only one"),
        "use_only": N_("Use them, but not sell them"),
        "none": N_("Nothing"),
    },
    "commercialisation": {
        "allowed": N_("Yes"),
        "with_consent": N_("Yes, if %(host)s agrees"),
        "not_allowed": N_("No"),
    },
    "data_owner": {
        "region": N_("Stays with %(host)s"),
        "counterparty": N_("Is yours"),
        "each_own": N_("Each keeps its own"),
        "joint": N_("Belongs to you and %(host)s together"),
    },
    "publication": {
        "allowed": N_("Yes"),
        "after_review": N_("Yes, when %(host)s has read the text"),
        "with_consent": N_("Only if %(host)s agrees"),
        "not_allowed": N_("No"),
    },
    "confidentiality_months": {"": N_("For %(n)s")},
}
