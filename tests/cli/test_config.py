import json
from pathlib import Path

import pytest

from cnnzoo import config as configs


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_the_schema_is_json_with_and_without_the_option(cnnzoo, option):
    answer = cnnzoo("config", "schema", *option)
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out) == configs.schema()


def test_all_configs_are_checked_and_each_wrong_one_gets_a_line(cnnzoo):
    good, wrong = "model: {name: lenet5}\ndata: {name: digits}\n", "model: {name: lenet5}\ndata: {name: dgits}\n"
    for name, text in (("a", wrong), ("b", good), ("c", wrong)):
        Path(f"{name}.yaml").write_text(text)
    answer = cnnzoo("config", "validate", "a.yaml", "b.yaml", "c.yaml")
    assert (answer.code, answer.out) == (2, "b.yaml: valid\n")
    assert [line.partition(", line 2")[0] for line in answer.err.splitlines()] == ["Error: a.yaml", "c.yaml"]
    answer = cnnzoo("config", "validate", "a.yaml", "b.yaml", "--json")
    assert (answer.code, answer.out) == (2, "")


def test_the_name_is_the_first_key_of_a_section(cnnzoo):
    shown = json.loads(cnnzoo("config", "show", "digits", "--json").out)
    assert {next(iter(shown[section])) for section in ("model", "data", "optimizer", "schedule")} == {"name"}
