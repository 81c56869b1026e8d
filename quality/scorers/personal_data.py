"""Data by which a person can be found, called or paid."""

import re

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberType

from quality.scorers.conversation import said

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{2,}(?:\.[A-Za-z0-9-]{2,})*\.[A-Za-z]{2,24}\b"
)
#: Domains reserved for examples (RFC 2606) and names that only stand for an address.
_EXAMPLE_EMAIL = re.compile(
    r"(?i)@(?:[\w-]+\.)*(?:example|test|domain|company|mail|email|yourcompany|website|mycompany|"
    r"business|abc|xyz|sample|mydomain|acme|firma|beispiel|muster\w*)\.|\.(?:example|test|"
    r"invalid|local)$|"
    r"^(?:noreply|no-reply|info|support|contact|sales|admin|user|username|name|your[\w.-]*|email|"
    r"example|test|hello|jobs|careers|kontakt|max\.?mustermann|john\.?\.?(?:doe|smith)?|"
    r"jane\.?(?:doe|smith)?|"
    r"johndoe|janedoe|johnsmith|first\w*|someone|abc|xyz)@"
)
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:\+\d{1,3}[ .-]?(?:\(0?\d{1,5}\)|\d{1,5})(?:[ ./-]?\d{2,5}){2,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[-.]\d{3}[-.]\d{4}|0\d{2,4}[ /-]\d{5,8})(?![\w-])"
)
#: Digits kept for fiction, and runs that only fill the form.
_EXAMPLE_PHONE = re.compile(r"555|(\d)\1{4}|1234|2345|9876|8765|4321|^0?123|^1?(\d)\2\2")
#: Hotlines and emergency numbers are public; only these kinds may reach one person.
_PRIVATE_KINDS = frozenset({
    PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP, PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.PAGER,
})  # fmt: skip
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)")
#: A cheap first look, so that the checks run on few rows.
_CANDIDATE = r"@|\d[\d ()./-]{7,}\d|[A-Z]{2}\d{2}[ A-Z0-9]{11}"
_ISSUERS = ("4", "5", "2", "34", "37", "6")


def find_personal_data(text: str) -> list[str]:
    """Return the different e-mail addresses, phone, card and account numbers of a text, sorted.

    Example:
        >>> find_personal_data("Write to e.mueller@web.de or to jobs@example.com.")
        ['e.mueller@web.de']
    """
    emails = (found for found in _EMAIL.findall(text) if not _EXAMPLE_EMAIL.search(found))
    ibans = {found for found in _IBAN.findall(text) if _is_iban(found)}
    cards = {found for found in _CARD.findall(text) if _is_card(found)}
    numbers = (match.group() for match in _PHONE.finditer(text))
    phones = {found for found in numbers if _is_phone(found)}
    return sorted({*emails, *ibans, *cards, *phones})


def _is_phone(found: str) -> bool:
    """Check a number against the numbering plan of its country.

    Without a country code, a leading zero is read as German, anything else as North American.
    """
    if _EXAMPLE_PHONE.search(re.sub(r"\D", "", found)):
        return False
    region = None if found.startswith("+") else "DE" if found.startswith("0") else "US"
    try:
        number = phonenumbers.parse(found, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(number) in _PRIVATE_KINDS


def _is_card(found: str) -> bool:
    """Check issuer, length and the Luhn sum (ISO/IEC 7812-1)."""
    digits = [int(character) for character in found if character.isdecimal()]
    number = "".join(map(str, digits))
    if not number.startswith(_ISSUERS) or len(set(digits)) < 4 or len(digits) not in (14, 15, 16):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(found: str) -> bool:
    """Check the remainder 1 modulo 97 (ISO 13616)."""
    compact = found.replace(" ", "")
    moved = compact[4:] + compact[:4]
    return len(compact) >= 15 and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def personal_data(rows: pl.DataFrame) -> pl.Series:
    """Count the e-mail addresses, phone, card and account numbers in the conversation.

    Invented-looking ones do not count: example domains, role addresses, 555 numbers, John Doe; nor
    do public hotlines.
    Names and postal addresses are not searched for.

    Args:
        rows: frame with `messages`, `system`, `instruction`, `input` and `output`.

    Returns:
        Float64, number of different strings found, never null.

    Source:
        The PII formatter of datatrove (e-mail, IP), https://github.com/huggingface/datatrove.
        Differs: phone numbers, valid in the numbering plan that the package phonenumbers brings
        (Apache-2.0); cards with Luhn sum, IBAN with checksum; no IP addresses.

    Example:
        >>> from schemas.frames import ROWS, empty_frame
        >>> rows = empty_frame(ROWS).clear(2).with_columns(
        ...     output=pl.Series(["Call +49 151 29486071.", "4111 1111 1111 1112"]))
        >>> personal_data(rows).to_list()
        [1.0, 0.0]
    """
    texts = rows.select(said().alias("said")).to_series()
    suspects = texts.str.contains(_CANDIDATE)
    counts = [
        float(len(find_personal_data(text))) if suspect else 0.0
        for text, suspect in zip(texts, suspects, strict=True)
    ]
    return pl.Series("personal_data", counts, dtype=pl.Float64)
