"""Names that are easily taken for one another, and legal all the same.

Each has a neighbour from which it differs in what some stores do not see: in case, in a blank,
in an accent's spelling, in what comes after a separator, a pattern's star or the 255th character.
"""

from __future__ import annotations

LONG = "x" * 255  # as long as many a column is

ODD_NAMES = (
    "pay",
    "Pay",
    "PAY",
    "pay ",
    "pay:1",
    "pay:10",
    "pay-1",
    "pay.1",
    "pa*",
    "pa?",
    "pa[xy]",
    "p%",
    "p_y",
    "7",
    "07",
    "7.0",
    "-7",
    "null",
    "{pay}",
    "../pay",
    "pay\\",
    'pay"',
    "pay'",
    "pay\n",
    "caf\u00e9",
    "cafe\u0301",
    "straße",
    "strasse",
    "заказ",
    "注文",
    "\U0001f4b6",
    LONG,
    LONG + "a",
    LONG + "b",
    LONG * 4,
)
