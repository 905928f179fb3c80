"""Every mean accuracy that a config's header and the README claim stands in a record, which is of today's recipe."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cnnzoo import config as configs

ROOT = Path(__file__).parents[1]
RECORDS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "configs/records").glob("*.json"))}
README = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
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


def readme_row(record):
    wanted = (f"`{record['config']}.yaml`", figure(record), f"| {len(record['members'])} |")
    return next((line for line in README if all(text in line for text in wanted)), "")


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
def test_header_and_readme_state_the_record(name):
    record = RECORDS[name]
    n = f"n = {len(record['members'])}"
    text = header(record["config"])
    assert re.search(rf"{re.escape(figure(record))}[^%]*{n}\b", text), (figure(record), n)
    assert readme_row(record)


@pytest.mark.parametrize("name", RECORDS)
def test_readme_states_the_seconds_of_the_record(name):
    members, stated = RECORDS[name]["members"], readme_row(RECORDS[name]).rstrip("| ").rpartition("|")[2]
    measured = [[member[of] for member in members] for of in ("seconds", "processor_seconds")]
    known = {rounded(value) for values in measured for value in [*values, np.mean(values), np.median(values)]}
    numbers = {int(number.replace(",", "")) for number in re.findall(r"\d{1,3}(?:,\d{3})*", stated)}
    assert numbers <= known
    assert {rounded(min(measured[0])), rounded(max(measured[0]))} <= numbers


def test_readme_states_the_votes_of_the_records():
    rows = [line for line in README if "voting" in line and line.startswith("| `")]
    assert rows
    for row in rows:
        votes = {
            f"{100 * record[vote]:.2f} %"
            for record in RECORDS.values()
            if f"`{record['config']}.yaml`" in row
            for vote in ("soft_vote", "hard_vote")
        }
        assert set(re.findall(r"\d+\.\d+ %", row)) <= votes, row


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_header_states_a_record_or_says_that_there_is_none(path):
    recorded = any(record["config"] == path.stem for record in RECORDS.values())
    assert recorded != bool(re.search("not measured|nothing was measured", header(path.stem), re.IGNORECASE))


def test_no_figure_is_claimed_without_a_record():
    known = {figure(record, of) for record in RECORDS.values() for of in ("accuracy", "validation_accuracy")}
    for path in [ROOT / "README.md", *(ROOT / "configs").glob("*.yaml")]:
        assert set(re.findall(FIGURE, path.read_text(encoding="utf-8"))) <= known, path
