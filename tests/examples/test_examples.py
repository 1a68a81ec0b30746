"""The examples run and find what they are there to show."""

import re
import runpy
import sys
from pathlib import Path

import keras
import pytest

from keras_sngp.deferral import DeferralDriftWarning

EXAMPLES = Path(__file__).parents[2] / "examples"


def printed_by(name, capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


LOOPS = {"torch": "torch_loop.py", "jax": "jax_loop.py"}


@pytest.mark.skipif(keras.backend.backend() not in LOOPS, reason="a loop for PyTorch, and one for JAX")
def test_plain_loops_learn_the_moons_and_know_what_is_far_away(capsys, monkeypatch):
    printed = printed_by(LOOPS[keras.backend.backend()], capsys, monkeypatch)
    accuracy, near, far = map(float, re.findall(r"\d+\.\d+", printed))
    assert accuracy >= 0.99
    assert far > 100 * near


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="networks compile for long on the other backends")
@pytest.mark.long
def test_a_network_of_keras_applications_and_a_transformer_convert_and_train(capsys, monkeypatch):
    assert "by constraint" in printed_by("vision_transformer.py", capsys, monkeypatch)
    printed = printed_by("convert_pretrained.py", capsys, monkeypatch, "--network", "MobileNetV2")
    assert "52 bounded" in printed
    assert re.search(r"accuracy \d\.\d\d, variance \d", printed)


needs_torch = pytest.mark.skipif(keras.backend.backend() != "torch", reason="networks compile for long elsewhere")


@needs_torch
def test_a_table_is_answered_or_handed_over(capsys, monkeypatch):
    right, answered, *cases = printed_by("own_table.py", capsys, monkeypatch).splitlines()
    assert 0.95 < share_in(right) < share_in(answered)
    usual, *odd = map(variance_in, cases)
    assert min(odd) > 10 * usual
    assert [case.split(", ", 1)[1] for case in cases] == [
        "answer",
        "defer, mean_radius out of range",
        "defer, mean_radius missing",
    ]


@needs_torch
@pytest.mark.long
def test_texts_are_answered_or_handed_over(capsys, monkeypatch):
    right, answered, *questions = printed_by("own_texts.py", capsys, monkeypatch).splitlines()
    assert 0.85 < share_in(right) < share_in(answered)
    assert " plots, " in questions[0]
    assert " statistics, " in questions[1]
    assert [": defer" in question for question in questions] == [False, False, True]


@needs_torch
@pytest.mark.long
def test_digits_that_were_never_seen_are_handed_over(capsys, monkeypatch):
    with pytest.warns(DeferralDriftWarning):
        right, answered, unseen, handed_over = printed_by("own_images.py", capsys, monkeypatch).splitlines()
    assert min(share_in(right), share_in(answered)) > 0.97
    assert variance_in(unseen) > 3 * variance_in(right)
    assert share_in(handed_over) > 0.6


def share_in(line):
    return float(re.search(r"(\d+\.\d)%", line).group(1)) / 100


def variance_in(line):
    return float(re.search(r"variance (\d+\.\d)", line).group(1))
