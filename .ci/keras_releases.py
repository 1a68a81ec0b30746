"""Runs the tests marked `keras_contract` on the oldest Keras allowed and on the newest pre-release.

Keras is put into `build/`, before the environment's own on the path; the backend stays that of the environment.

The oldest Keras must pass. A failure on the pre-release is printed and does not fail the run: the same tests also run
on the final release in `make test`, so that it is a change in Keras. It is to be followed in
`_runtime/keras_internals.py` before that Keras comes out.
"""

import argparse
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
TESTS = ("tests/_runtime", "tests/models/test_files_before_the_rooms.py", "tests/test_keras_releases.py")
NIGHTLY = "keras-nightly"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oldest", help="the oldest Keras that pyproject.toml allows")
    parser.add_argument("--backends", nargs="+", default=["jax"])
    arguments = parser.parse_args()
    passed = run_tests(installed(f"keras=={arguments.oldest}", f"keras-{arguments.oldest}"), arguments.backends)
    try:
        newest = newest_pre_release()
    except subprocess.CalledProcessError as error:
        print(f"WARNING: no pre-release of Keras could be installed, and none was tested: {error}", flush=True)
        return not passed
    if not run_tests(newest, arguments.backends):
        print("WARNING: the pre-release of Keras fails; see above. This alone does not fail the run.", flush=True)
    return not passed


def newest_pre_release() -> Path:
    """Of the package `keras` where its newest release is a pre-release, of the nightly builds otherwise."""
    folder = fresh("keras-newest", "keras")
    if version_in(folder).is_prerelease:
        return folder
    return fresh("keras-newest", NIGHTLY)


def fresh(name: str, requirement: str) -> Path:
    shutil.rmtree(ROOT / "build" / name, ignore_errors=True)
    return installed(requirement, name)


def installed(requirement: str, name: str) -> Path:
    """A folder with one release of Keras, and with those of its requirements that the environment does not meet."""
    folder = ROOT / "build" / name
    if not (folder / "keras").is_dir():
        install(requirement, folder)
        for missing in unmet_requirements(folder):
            install(missing, folder)
    return folder


def install(requirement: str, folder: Path) -> None:
    options = ["--quiet", "--no-deps", "--pre", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, requirement], check=True)


def distribution_in(folder: Path) -> importlib.metadata.Distribution:
    return next(
        found
        for found in importlib.metadata.distributions(path=[str(folder)])
        if found.metadata["Name"] in ("keras", NIGHTLY)
    )


def version_in(folder: Path) -> Version:
    return Version(distribution_in(folder).version)


def unmet_requirements(folder: Path) -> list[str]:
    wanted = [Requirement(line) for line in distribution_in(folder).requires or []]
    return [
        str(one) for one in wanted if (one.marker is None or one.marker.evaluate({"extra": ""})) and not is_met(one)
    ]


def is_met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False


def run_tests(folder: Path, backends: list[str]) -> bool:
    passed = [run_tests_on(folder, backend) for backend in backends]
    return all(passed)


def run_tests_on(folder: Path, backend: str) -> bool:
    print(f"== Keras {version_in(folder)} on {backend}", flush=True)
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")]),
        "KERAS_UNDER_TEST": str(version_in(folder)),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "pytest", "-m", "keras_contract", *TESTS]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
