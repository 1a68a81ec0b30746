import contextlib
import io
import re
from pathlib import Path

import numpy as np

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


def test_the_policy_example_runs(tmp_path, monkeypatch):
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "DeferralPolicy" in block)
    monkeypatch.chdir(tmp_path)
    probabilities = np.random.default_rng(0).dirichlet([0.05, 0.05], 1000)
    labels = (np.random.default_rng(1).random(1000) < probabilities[:, 1]).astype(int)
    names = {"held_out": probabilities, "held_out_labels": labels, "probabilities": probabilities}
    exec(compile(code, "README.md", "exec"), names)
    answered = ~names["decisions"].defer
    assert np.mean(names["decisions"].answers[answered] == labels[answered]) >= 0.9
