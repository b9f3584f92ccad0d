"""What is wrong with a field, in words: one sentence for each kind of fault that Pydantic reports."""

from typing import Any

from registry.errors import N_, Message, message

_SENTENCES = {
    "missing": N_("This is missing. Fill it in."),
    "extra_forbidden": N_("There is no field with this name. Remove it or correct its spelling."),
    "string_too_long": N_("The text is too long: at most %(max_length)s characters."),
    "string_too_short": N_("This is missing. Fill it in."),
    "string_type": N_("This must be a text."),
    "int_parsing": N_("This must be a whole number."),
    "int_type": N_("This must be a whole number."),
    "int_from_float": N_("This must be a whole number."),
    "float_parsing": N_("This must be a number."),
    "float_type": N_("This must be a number."),
    "finite_number": N_("This must be a number."),
    "decimal_parsing": N_("This must be a number, for example 1200 or 1200.50."),
    "decimal_type": N_("This must be a number, for example 1200 or 1200.50."),
    "decimal_max_places": N_("At most %(decimal_places)s decimals."),
    "decimal_max_digits": N_("The number is too large."),
    "decimal_whole_digits": N_("The number is too large."),
    "bool_parsing": N_("This must be true or false."),
    "bool_type": N_("This must be true or false."),
    "greater_than_equal": N_("This must be at least %(ge)s."),
    "greater_than": N_("This must be more than %(gt)s."),
    "less_than_equal": N_("This must be at most %(le)s."),
    "less_than": N_("This must be less than %(lt)s."),
    "enum": N_("This is not one of the values that are allowed: %(expected)s."),
    "literal_error": N_("This is not one of the values that are allowed: %(expected)s."),
    "list_type": N_("This must be a list."),
    "too_long": N_("There are too many: at most %(max_length)s."),
    "too_short": N_("There are too few: at least %(min_length)s."),
    "dict_type": N_("This must be an object with named fields."),
    "model_type": N_("This must be an object with named fields."),
    "model_attributes_type": N_("This must be an object with named fields."),
    "json_invalid": N_("This is not valid JSON."),
    "datetime_type": N_("This must be a time, for example 2027-03-01T09:00:00+01:00."),
    "datetime_parsing": N_("This must be a time, for example 2027-03-01T09:00:00+01:00."),
    "datetime_from_date_parsing": N_("This must be a time, for example 2027-03-01T09:00:00+01:00."),
    "no_offset": N_("The time lacks its offset from UTC. Write it, for example 2027-03-01T09:00:00+01:00."),
    "year_out_of_range": N_("The year must be between 2000 and 2200."),
    "date_type": N_("This must be a date, for example 2027-03-01."),
    "date_parsing": N_("This must be a date, for example 2027-03-01."),
    "date_from_datetime_parsing": N_("This must be a date, for example 2027-03-01."),
    "date_from_datetime_inexact": N_("This must be a date, for example 2027-03-01."),
    "time_type": N_("This must be a time of day, for example 09:00."),
    "time_parsing": N_("This must be a time of day, for example 09:00."),
    "uuid_parsing": N_("This is not an identifier."),
    "uuid_type": N_("This is not an identifier."),
    "string_pattern_mismatch": N_("This is not written as it should be."),
    "control_character": N_("The text holds a control character or a character that turns the text around. Remove it."),
    "html": N_("The text holds HTML. Write plain text, without tags in angle brackets."),
    "several_lines": N_("Write this on one line."),
}
_OTHER = N_("This is not right. Check it and try again.")


def explain(fault: dict[str, Any]) -> Message:
    """A sentence for one of Pydantic's errors (`type`, `ctx`); a ValueError of ours may carry its own Message."""
    context = fault.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, MessageError):
        return cause.message
    values = {name: value for name, value in context.items() if name != "error"}
    if "expected" in values:
        # Pydantic's list of codes has an English word before the last.
        values["expected"] = str(values["expected"]).replace("' or '", "', '")
    for name, value in values.items():
        if isinstance(value, float) and value.is_integer():
            # A bound of 2000 is no 2000.0.
            values[name] = int(value)
    return message(_SENTENCES.get(fault["type"], _OTHER), **values)


class MessageError(ValueError):
    """A ValueError for Pydantic validators whose text can be translated."""

    def __init__(self, msgid: str, **values: object) -> None:
        super().__init__(msgid)
        self.message = message(msgid, **values)
