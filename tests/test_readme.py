import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_example_prints_what_the_readme_says():
    code, expected = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL).groups()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    near, far = printed.getvalue().splitlines()
    expected_near, expected_far = expected.splitlines()
    assert near == expected_near
    number = r"confidence (\S+), variance (\S+)"
    confidence, variance = map(float, re.search(number, far).groups())
    expected_confidence, expected_variance = map(float, re.search(number, expected_far).groups())
    assert abs(confidence - expected_confidence) <= 0.02
    assert abs(variance / expected_variance - 1) <= 0.25
