"""Tries a wheel as its user would: its files, a fresh environment, the README's example and the command.

Usage: python .ci/release_check.py dist/keras_sngp-VERSION-py3-none-any.whl
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
FOLDER = ROOT / "build" / "release-check"
NOT_SHIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(f"Expected the path of one wheel. Received: {sys.argv[1:]}")
    wheel = Path(sys.argv[1]).resolve()
    version = source_version()
    check_files(wheel, version)
    scripts = install(wheel)
    # An empty folder outside the checkout: what is imported there is the wheel.
    with tempfile.TemporaryDirectory() as outside:
        check_import(scripts, version, outside)
        check_readme_example(scripts, outside)
        check_command(scripts, version, outside)
    print(f"{wheel.name} can be released.")


def source_version() -> str:
    text = (SOURCE / "keras_sngp" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return version


def check_files(wheel: Path, version: str) -> None:
    """Every file under src, templates and py.typed included, and the licence are in the wheel."""
    with zipfile.ZipFile(wheel) as file:
        shipped = set(file.namelist())
    paths = [path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()]
    expected = {path.as_posix() for path in paths if not NOT_SHIPPED & set(path.parts)}
    about = f"keras_sngp-{version}.dist-info"
    expected |= {"keras_sngp/py.typed", f"{about}/METADATA", f"{about}/licenses/LICENSE"}
    require(not expected - shipped, f"files of the source in the wheel; missing: {sorted(expected - shipped)}")
    packages = {name.split("/")[0] for name in shipped}
    require(packages == {"keras_sngp", "keras_sngp_cli", about}, f"two packages in the wheel; found: {packages}")
    print(f"{wheel.name} has all {len(expected)} files of the source.")


def install(wheel: Path) -> Path:
    """Makes a new environment with the wheel and JAX, and gives the folder of its commands."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    venv.create(FOLDER, with_pip=True)
    scripts = FOLDER / ("Scripts" if os.name == "nt" else "bin")
    run([scripts / "python", "-m", "pip", "install", "--quiet", f"{wheel}[jax]"], FOLDER)
    return scripts


def check_import(scripts: Path, version: str, outside: str) -> None:
    code = "import keras_sngp; print(keras_sngp.__version__, keras_sngp.__file__)"
    imported, path = run([scripts / "python", "-c", code], outside).split(maxsplit=1)
    require(imported == version, f"version {version}; imported: {imported}")
    require(Path(path.strip()).is_relative_to(FOLDER), f"an import from {FOLDER}; imported: {path}")


def check_readme_example(scripts: Path, outside: str) -> None:
    """The first Python block of the README prints the lines of the block after it, up to the digits."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", readme, re.DOTALL)
    require(found is not None, "a Python block in README.md with a block of what it prints")
    code, expected = found.groups()
    printed = run([scripts / "python", "-c", code], outside)
    require(
        without_digits(printed) == without_digits(expected),
        f"the README's example to print\n{expected}Printed:\n{printed}",
    )
    print(printed, end="")


def without_digits(text: str) -> list[str]:
    return [re.sub(r"\d+(\.\d+)?", "0", line.strip()) for line in text.strip().splitlines()]


def check_command(scripts: Path, version: str, outside: str) -> None:
    command = scripts / "keras-sngp"
    require("report" in run([command, "--help"], outside), "a list of subcommands from keras-sngp --help")
    printed = run([command, "--version"], outside)
    require(version in printed, f"version {version} from keras-sngp --version; printed: {printed}")


def run(command: list[str | Path], folder: str | Path) -> str:
    """What a command prints, with JAX as the backend; stops the check if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=folder, env={**environment, "KERAS_BACKEND": "jax"}, capture_output=True, text=True, check=False
    )
    require(done.returncode == 0, f"{Path(command[0]).name} to succeed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def require(condition: bool, expected: str) -> None:
    if not condition:
        sys.exit(f"Not ready for release. Expected {expected}")


if __name__ == "__main__":
    main()
