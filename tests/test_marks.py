"""Where the tests run, as scripts/test relies on it."""

import ast
from pathlib import Path

PORTING = Path(__file__).parent / "weights"


def test_all_tests_of_weights_are_slow_and_run_on_tensorflow_only():
    modules = sorted(PORTING.glob("test_*.py"))
    assert modules
    for module in modules:
        marks = [
            ast.unparse(node.value)
            for node in ast.parse(module.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
        ]
        assert "mark.slow" in marks[0], module
        assert "every_backend" not in module.read_text(encoding="utf-8"), module
