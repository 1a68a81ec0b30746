"""The examples run and find what they are there to show."""

import re
import runpy
import sys
from pathlib import Path

import keras
import pytest

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
def test_a_network_of_keras_applications_and_a_transformer_convert_and_train(capsys, monkeypatch):
    assert "by constraint" in printed_by("vision_transformer.py", capsys, monkeypatch)
    printed = printed_by("convert_pretrained.py", capsys, monkeypatch, "--network", "MobileNetV2")
    assert "52 bounded" in printed
    assert re.search(r"accuracy \d\.\d\d, variance \d", printed)
