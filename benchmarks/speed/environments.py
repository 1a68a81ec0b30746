"""Environments of their own for the peers, in build/speed, made on first use; ours is the one this runs in.

The whole command has one of its own too, with JAX alone, as `make moons` makes it: where TensorFlow is installed
beside, Keras imports it to save a model.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.speed.works import OURS, OURS_ON_JAX

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "speed"
# Without the dependencies of tf-models-official and lightning-uq-box that their SNGP layers do not import.
REQUIREMENTS = {
    "tf-models-official": (
        ("tensorflow==2.20.0", "tf-keras==2.20.1", "gin-config", "scipy", "matplotlib"),
        ("tf-models-official==2.20.0",),
    ),
    "lightning-uq-box": (
        ("torch==2.13.0", "lightning", "h5py", "pandas", "matplotlib", "scikit-learn"),
        ("lightning-uq-box==0.2.0",),
    ),
    "keras-proba": (("keras==3.15.1", "jax==0.10.2"), ("keras-proba==0.1.0",)),
    OURS_ON_JAX: ((f"{ROOT}[jax]",), ("--editable", str(ROOT))),
}


def python_of(environment: str) -> Path:
    """The interpreter of an environment, made and filled if it is not there."""
    if environment == OURS:
        return Path(sys.executable)
    folder = FOLDER / environment
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        print(f"Installing {environment} in {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        with_dependencies, alone = REQUIREMENTS[environment]
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *with_dependencies], check=True)
        subprocess.run([*install, "--no-deps", *alone], check=True)
        complete.touch()
    return python


def versions_of(environment: str, packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of packages in an environment; those that are not there are left out."""
    listed = subprocess.check_output([str(python_of(environment)), "-m", "pip", "list", "--format", "json"])
    found = {one["name"].lower(): one["version"] for one in json.loads(listed)}
    return {package: found[package] for package in packages if package in found}
