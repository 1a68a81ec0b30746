import ast
import subprocess
import sys

import keras
import pytest

import keras_sngp as sngp
import keras_sngp.layers as nlp_layers

REGISTERED = {
    "SNGP": sngp.SNGP,
    "DeepResNet": sngp.DeepResNet,
    "DeepResNetSNGP": sngp.DeepResNetSNGP,
    "DeepResNetSNGPWithCovReset": sngp.DeepResNetSNGPWithCovReset,
    "RandomFeatureGaussianProcess": sngp.RandomFeatureGaussianProcess,
    "RandomFeatures": sngp.RandomFeatures,
    "SpectralNormalization": sngp.SpectralNormalization,
}


@pytest.mark.parametrize("name", REGISTERED)
def test_registered_names_never_change(name):
    assert keras.saving.get_registered_object(f"keras_sngp>{name}") is REGISTERED[name]


def test_the_tutorials_names_resolve():
    assert nlp_layers.SpectralNormalization is sngp.SpectralNormalization
    assert nlp_layers.RandomFeatureGaussianProcess is sngp.RandomFeatureGaussianProcess
    assert nlp_layers.gaussian_process.mean_field_logits is sngp.mean_field_logits


def test_import_leaves_pictures_and_reports_aside():
    code = "import sys, keras_sngp; print(sorted(name for name in sys.modules if name.startswith('keras_sngp.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}
    assert {"models", "layers", "posterior"} <= rooms
    assert not rooms & {"plots", "report", "experiments", "metrics"}
