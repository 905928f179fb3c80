import json

import pytest

from cnnzoo import config as configs


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_the_schema_is_json_with_and_without_the_option(cnnzoo, option):
    answer = cnnzoo("config", "schema", *option)
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out) == configs.schema()
