import json
import math

from cnnzoo import files


def test_json_holds_null_where_a_number_is_not_finite(tmp_path):
    value = {"loss": math.nan, "rows": [1.5, (math.inf, -math.inf)], "text": "NaN", "flag": True, "none": None}
    files.write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=lambda name: 1 / 0) == {
        "loss": None,
        "rows": [1.5, [None, None]],
        "text": "NaN",
        "flag": True,
        "none": None,
    }
