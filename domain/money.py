"""Money in whole minor units: currencies, even shares, promises. No float, no rounding but the one stated."""

from datetime import datetime, timedelta

_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE "
    "SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW "
    "ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
CURRENCIES: dict[str, int] = {code: digits for digits, codes in _DIGITS.items() for code in codes.split()}
"""Digits of the minor unit by ISO 4217 code: ``{"USD": 2, "JPY": 0, "KWD": 3, …}``."""


def in_major_units(amount: int, currency: str) -> str:
    """For people, in the currency's own digits: 1148 USD is ``11.48 USD``, 1148 JPY is ``1,148 JPY``."""
    digits = CURRENCIES[currency]
    whole, part = divmod(abs(amount), 10**digits)
    fraction = f".{part:0{digits}d}" if digits else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction} {currency}"


def share(total: int, quantity: int, number: int) -> int:
    """What unit ``number`` (1…quantity) bears of a line's ``total``: even shares, left-over cents to the lowest.

    Source: RULEBOOK section 3. The shares of all units add up to ``total`` to the cent.
    """
    if quantity == 1:
        return total
    even, left_over = divmod(total, quantity)
    return even + (number <= left_over)


def business_days_after(moment: datetime, days: int) -> datetime:
    """The ``days``-th following weekday (Monday to Friday, UTC) at the same time of day (RULEBOOK REFUND-2)."""
    weeks, rest = divmod(days, 5)
    result = moment + timedelta(weeks=weeks)
    if rest == 0 and weeks and result.weekday() > 4:
        return result - timedelta(days=result.weekday() - 4)
    while rest:
        result += timedelta(days=1)
        rest -= result.weekday() <= 4
    return result
