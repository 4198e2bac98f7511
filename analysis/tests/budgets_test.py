"""Plans within budgets: tables, single plans, records, the report."""

import csv
import io
import json

import pytest
from gainsweep_analysis import __main__, budgets, exports, report
from gainsweep_analysis.seal import ArchiveError

BITS = (8.5, 10.0, 16.0)


@pytest.fixture
def case(cases):
    return cases("budgets")


def run(capsys, *arguments):
    code = __main__.main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_rows_say_what_is_allowed_taken_and_measured(case):
    rows = budgets.rows(case.archive, "bits")
    assert [row.budget for row in rows] == list(BITS)
    assert all(row.taken <= row.budget for row in rows)
    assert not rows[-1].assignment.any()  # 16 bits need nothing
    assert rows[0].predicted_tau > rows[1].predicted_tau > 0
    assert all(row.measured_tau is not None for row in rows)
    assert all(row.other_gains == {} and row.agreement is None for row in rows)


def test_the_table_has_a_part_for_each_resource(case, capsys):
    _, text, _ = run(capsys, "table", case.path)
    assert (
        "Budgets of bits: mean bits a weight, scales included: 16.00 bit in bf16, 8.000 bit" in text
    )
    part = text[text.index("Budgets of bits") :]
    assert "allowed" in part and "taken" in part
    assert "the plan of the least predicted loss error" in part
    assert "Budgets" not in run(capsys, "table", case.path, "--objective", "memory")[1]


def test_records_have_what_is_allowed(case, capsys):
    _, text, _ = run(capsys, "table", case.path, "--format", "json")
    records = [record for record in json.loads(text) if record.get("resource")]
    assert [record["allowed"] for record in records] == list(BITS)
    assert all(record["allowed_tau"] is None for record in records)
    assert all(record["resource_units"] == "bit" for record in records)
    _, text, _ = run(capsys, "table", case.path, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["allowed"] for row in rows if row["resource"] == "bits"] == ["8.5", "10.0", "16.0"]
    assert all(row["allowed_tau"] for row in rows if not row["resource"])


def test_a_plan_is_named_by_resource_and_amount(case, capsys):
    code, text, _ = run(capsys, "plan", case.path, "--budget", "bits=10")
    assert code == 0
    assert "the plan of least loss error within bits = 10" in text
    assert "bit of bits" in text
    _, text, _ = run(capsys, "plan", case.path, "--budget", "bits=10", "--format", "json")
    plan = json.loads(text)
    assert plan["resource"] == "bits" and plan["allowed"] == 10 and plan["taken"] <= 10
    assert plan["threshold"] is None and plan["budget"] is None
    row = budgets.rows(case.archive, "bits")[1]
    formats = [case.archive.formats[place].name for place in row.assignment]
    assert list(plan["assignment"].values()) == formats


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--budget", "bits=9"), "it has no budget bits=9. Take one of: 8.5, 10, 16."),
        (("--budget", "bytes=9"), "it has no budgets of 'bytes' (solve.budgets has bits)."),
        (("--budget", "bits=10", "--objective", "memory"), "Leave --objective and --strategy out."),
    ],
)
def test_what_there_is_not(case, capsys, arguments, part):
    code, _, error = run(capsys, "plan", case.path, *arguments)
    assert code == 2 and part in error


def test_archives_without_budgets_say_so(cases):
    with pytest.raises(ArchiveError, match=r"solve\.budgets has none"):
        exports.choose_within(cases("no_time").archive, "bits", 5)
    assert budgets.text(cases("no_time").archive) == ""


def test_an_amount_is_a_number(case, capsys):
    with pytest.raises(SystemExit):
        run(capsys, "plan", case.path, "--budget", "bits=few")
    assert "is not RESOURCE=AMOUNT, such as bits=4.5" in capsys.readouterr().err


def test_the_report_shows_them_with_files(case):
    files = exports.plan_files(case.archive)
    assert {"bits_8.5.json", "bits_10.csv"} <= set(files)
    page = report.html(case.archive, "plans")
    assert "Plans within budgets of bits" in page
    assert 'href="plans/bits_8.5.json"' in page
    assert "by allowed bits" in page
