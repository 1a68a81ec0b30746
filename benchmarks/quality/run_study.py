"""Trains what a study needs, prints its table, writes its figures, and fills the pages that show them."""

import argparse
import dataclasses
import importlib.metadata
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from benchmarks.quality.latency import latency_ratios
from benchmarks.quality.measures import measure, measure_detectors, trial_figures
from benchmarks.quality.method_names import DETERMINISTIC
from benchmarks.quality.methods import methods_of
from benchmarks.quality.study import DENSE, SNGP, Settings, Study, answers, ask, train
from benchmarks.quality.tables import RESULTS, detectors_table, methods_table, read_study
from benchmarks.results import read_results, write_results
from benchmarks.tables import fill_pages

PACKAGES = ("keras", "jax", "tensorflow", "torch", "numpy", "scikit-learn", "keras-sngp")


def arguments(description: str | None, *studies: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if studies:
        parser.add_argument("study", choices=studies)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; by default KERAS_SNGP_DATA")
    parser.add_argument("--work-dir", type=Path, default=Path("build/quality"), help="answers of trained networks")
    parser.add_argument("--results-dir", type=Path, default=RESULTS, help="figures; elsewhere no page is filled")
    parser.add_argument("--seeds", type=int, nargs="+", help="some seeds only")
    parser.add_argument("--epochs", type=int, help="fewer, for a try; wants other folders for work and results")
    parser.add_argument("--tried", nargs="+", metavar="KIND SETTING=VALUE", help="add a trial on validation data alone")
    return parser.parse_args()


def run(study: Study, settings: Settings, options: argparse.Namespace) -> None:
    """Goes on from the networks and figures there are."""
    settings = dataclasses.replace(settings, epochs=options.epochs or settings.epochs)
    file = options.results_dir / f"{study.name}.json"
    old = read_results(file)
    if options.tried:
        trial = try_settings(study, settings, *options.tried)
        kept = [one for one in old.get("tried", []) if not _settings_of(trial).items() <= one.items()]
        write_results(file, old | {"tried": [*kept, trial]})
    else:
        write_results(file, results_of(study, settings, options, old))
        print(methods_table(read_study(file)), detectors_table(read_study(file)), sep="\n\n")
    if options.results_dir == RESULTS:
        fill_pages()


def records_of(study: Study, settings: Settings, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    for name, method in methods_of(study, settings, seed, folder).items():
        for record in measure(study, method):
            yield {"data": record["data"], "method": name, "seed": seed, **record}


def detector_records_of(study: Study, settings: Settings, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    """On the features of the plain network and of the SNGP of a seed."""
    for name, kind in (DETERMINISTIC, DENSE), ("SNGP", SNGP):
        for record in measure_detectors(study, answers(study, settings, kind, seed, folder)):
            yield {"data": record["data"], "features": name, "seed": seed, **record}


def results_of(study: Study, settings: Settings, options: argparse.Namespace, old: dict[str, Any]) -> dict[str, Any]:
    """Records of the seeds asked for, and those of the others that there were."""
    seeds = options.seeds or range(study.seeds)
    found = {
        name: [record for record in old.get(name, []) if record["seed"] not in seeds]
        + [record for seed in seeds for record in records(study, settings, seed, options.work_dir)]
        for name, records in {"records": records_of, "detectors": detector_records_of}.items()
    }
    return {
        "study": study.name,
        "title": study.title,
        "settings": dataclasses.asdict(settings),
        "backend": keras.backend.backend(),
        "versions": installed_versions(),
        "latency": latency_ratios(study, settings),
        "tried": old.get("tried", []),
        **{name: sorted(records, key=lambda record: record["seed"]) for name, records in found.items()},
    }


def installed_versions() -> dict[str, str]:
    """Of Python and of the packages that figures may depend on."""
    installed = {distribution.name.lower() for distribution in importlib.metadata.distributions()}
    versions = {package: importlib.metadata.version(package) for package in PACKAGES if package in installed}
    return {"python": platform.python_version(), **versions}


def try_settings(study: Study, settings: Settings, kind: str, *changes: str) -> dict[str, Any]:
    """Figures of a network of a kind with some settings changed, as `name=value`, from validation data alone."""
    pairs = (change.split("=") for change in changes)
    changed = {name: value if value.isalpha() else json.loads(value) for name, value in pairs}
    settings = dataclasses.replace(settings, **changed)
    started = time.perf_counter()
    once = dataclasses.replace(study, further_learning_rates=())
    found = ask(study.validation_questions(), train(once, settings, kind, seed=0))
    seconds = round(time.perf_counter() - started, 1)
    trial = {"network": kind, **dataclasses.asdict(settings), **trial_figures(study, found), "seconds": seconds}
    print(trial)
    return trial


def _settings_of(trial: dict[str, Any]) -> dict[str, Any]:
    names = ["network", *(field.name for field in dataclasses.fields(Settings))]
    return {name: trial[name] for name in names}
