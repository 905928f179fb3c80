"""Every mean accuracy of a config's header or of a page is in a record, which is of today's recipe."""

import json
import re
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest

from cnnzoo import config as configs

ROOT = Path(__file__).parents[1]
RECORDS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "configs/records").glob("*.json"))}
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
PAGES = [
    ROOT / "README.md",
    *(page for room in ("configs", "cnnzoo", "scripts", ".github") for page in (ROOT / room).rglob("*.md")),
]
FIGURE = r"\d+\.\d+ ± \d+\.\d+ %"


def header(name):
    text = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    return " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))


def mean_and_deviation(record, of="accuracy"):
    values = [member[of] for member in record["members"]]
    return np.mean(values), np.std(values, ddof=1) if len(values) > 1 else None


def figure(record, of="accuracy"):
    mean, deviation = mean_and_deviation(record, of)
    return f"{100 * mean:.2f} %" if deviation is None else f"{100 * mean:.2f} ± {100 * deviation:.2f} %"


def rounded(value):
    return int(value + 0.5)


def rows(page):
    """Return the rows of results of a page, those with a config and a percentage, each as a list of cells."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return [row for row in cells if re.fullmatch(r"`\w+\.yaml`", row[0]) and len(row) >= 5]


def states(row, record):
    n = str(len(record["members"]))
    return row[0] == f"`{record['config']}.yaml`" and figure(record) in row and n in row


def seconds_of(record):
    """Return the seconds that may be stated for one run of a record, and the least and the most from start to end."""
    measured = [[member[of] for member in record["members"]] for of in ("seconds", "processor_seconds")]
    allowed = {rounded(value) for values in measured for value in [*values, np.mean(values), np.median(values)]}
    return allowed, {rounded(min(measured[0])), rounded(max(measured[0]))}


def whole_numbers(text):
    return {int(number.replace(",", "")) for number in re.findall(r"\d{1,3}(?:,\d{3})*", text)}


RESULTS = rows("configs/README.md")
SHORT_RESULTS = rows("README.md")


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_of_todays_recipe_and_of_a_commit(name):
    record = RECORDS[name]
    recorded = configs.Config.model_validate(record["recipe"])  # an option that is newer has its default
    precision = f"runtime.precision={record['precision']}"
    assert recorded.recipe() == configs.load(record["config"], [precision]).recipe()
    assert re.fullmatch(r"[0-9a-f]{40}", record["git_commit"])
    mean, deviation = mean_and_deviation(record)
    assert record["mean"] == pytest.approx(mean)
    assert record["standard_deviation"] == (deviation and pytest.approx(deviation))


@pytest.mark.parametrize("name", RECORDS)
def test_header_and_table_state_the_record(name):
    record = RECORDS[name]
    n = f"n = {len(record['members'])}"
    text = header(record["config"])
    assert re.search(rf"{re.escape(figure(record))}[^%]*{n}\b", text), (figure(record), n)
    assert any(states(row, record) for row in RESULTS)


@pytest.mark.parametrize("name", RECORDS)
def test_the_table_states_the_seconds_of_the_record(name):
    record = RECORDS[name]
    row = next(row for row in RESULTS if states(row, record))
    allowed, extremes = seconds_of(record)
    assert whole_numbers(" ".join(row[-2:])) <= allowed
    assert extremes <= whole_numbers(row[-2])


def test_the_readme_states_rows_of_records():
    means = [row for row in SHORT_RESULTS if "±" in row[2]]
    assert means
    for row in means:
        record = next(record for record in RECORDS.values() if states(row, record))
        assert whole_numbers(row[-1]) == seconds_of(record)[1], row


@pytest.mark.parametrize("page", ["README.md", "configs/README.md"])
def test_the_tables_state_the_votes_of_the_records(page):
    found = [row for row in rows(page) if "voting" in row[1]]
    assert found
    for row in found:
        votes = {
            f"{100 * record[vote]:.2f} %"
            for record in RECORDS.values()
            if f"`{record['config']}.yaml`" == row[0]
            for vote in ("soft_vote", "hard_vote")
        }
        assert set(re.findall(r"\d+\.\d+ %", " ".join(row))) <= votes, row


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_header_states_a_record_or_says_that_there_is_none(path):
    recorded = any(record["config"] == path.stem for record in RECORDS.values())
    assert recorded != bool(re.search("not measured|nothing was measured", header(path.stem), re.IGNORECASE))


def test_no_figure_is_claimed_without_a_record():
    known = {figure(record, of) for record in RECORDS.values() for of in ("accuracy", "validation_accuracy")}
    for path in [*PAGES, *CONFIGS]:
        assert set(re.findall(FIGURE, path.read_text(encoding="utf-8"))) <= known, path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_header_is_ten_short_lines_with_the_command(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    head = list(takewhile(lambda line: line.startswith("#"), lines))
    assert len(head) <= 10
    assert max(map(len, head)) < 100
    assert any(line.startswith(f"#   cnnzoo train --config {path.name}") for line in head)
