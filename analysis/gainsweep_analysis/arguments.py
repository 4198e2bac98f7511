"""Values of the command line's arguments."""

import argparse
import math
from decimal import Decimal, InvalidOperation


def add_limit(parser: argparse.ArgumentParser, name: str, help_text: str) -> None:
    """What names a plan beside its objective and strategy: a threshold, or a budget."""
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument(name, dest="tau", type=threshold, help=help_text)
    limit.add_argument(
        "--budget", type=budget, metavar="RESOURCE=AMOUNT", help="bits=4.5: one of solve.budgets"
    )


def condition(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not PATH=VALUE, such as solve.noise=paper")
    return path.strip(), value.strip()


def threshold(text: str) -> float:
    """A loss error τ as a number or in percent."""
    number = text.strip()
    share = number.removesuffix("%")
    try:
        tau = float(Decimal(share.strip()) / (100 if share != number else 1))
    except InvalidOperation:
        tau = math.nan
    if not (math.isfinite(tau) and tau > 0):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no loss error above 0, such as 0.001 or 0.1%"
        )
    return tau


def budget(text: str) -> tuple[str, float]:
    """A resource with an amount of it."""
    resource, _, amount = text.partition("=")
    try:
        return resource.strip(), float(Decimal(amount.strip()))
    except InvalidOperation:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not RESOURCE=AMOUNT, such as bits=4.5"
        ) from None
