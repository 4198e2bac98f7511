"""How far the measured times can be trusted."""

from .contents import Archive, Contest
from .notation import significant

LESS_PRECISE, OUTSIDE = "*", "†"


def imprecise(archive: Archive) -> list[Contest]:
    """The contests that are less precise than `latency.precision` asks."""
    return [contest for contest in archive.contests if not contest.is_precise]


def warning(archive: Archive) -> str | None:
    """Sentences where times are less precise than the spec asked for, or of a slower card."""
    return " ".join(filter(None, (_noise(archive), _slowness(archive)))) or None


def _slowness(archive: Archive) -> str | None:
    slow = sum(contest.held_back for contest in archive.contests)
    if slow == 0:
        return None
    return (
        f"The card was held back around {slow} of "
        f"{sum(contest.blocks for contest in archive.contests)} blocks of times (power, "
        "temperature; card_held_back_by says which): they count like the others, but are of a "
        "slower clock."
    )


def _noise(archive: Archive) -> str | None:
    wide = imprecise(archive)
    if not wide:
        return None
    parts = [
        f"{sum(kind(contest) for contest in wide)} of "
        f"{sum(kind(contest) for contest in archive.contests)} {what}"
        for what, kind in (("timed classes", _is_of_subgraphs), ("timed plans", _is_of_a_plan))
        if any(map(kind, wide))
    ]
    precision = float(archive.spec["latency"]["precision"])
    widest = max(wide, key=lambda contest: contest.width)
    return (
        f"Times are noisy: the intervals of {' and '.join(parts)} are wider than the "
        f"{significant(precision, 2, 100)} % of a run that latency.precision asks for, up to "
        f"{significant(widest.width, 2, 100)} % ({widest.label}). Other work on the machine does "
        "this; gains in time, and plans made from them, may follow the noise."
    )


def _is_of_subgraphs(contest: Contest) -> bool:
    return not contest.assignment_key


def _is_of_a_plan(contest: Contest) -> bool:
    return bool(contest.assignment_key)


def marks_legend(texts: list[str]) -> str:
    """What the marks mean that some of these texts end with."""
    meanings = {
        LESS_PRECISE: "times less precise than latency.precision asks for",
        OUTSIDE: "the predicted time lies outside the interval of the measured one",
    }
    found = [f"{mark}: {meaning}." for mark, meaning in meanings.items() if mark in "".join(texts)]
    return " ".join(found)
