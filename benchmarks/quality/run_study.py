"""Trains what a study needs, prints its table, and writes its figures and the page that shows them."""

import argparse
import dataclasses
import importlib.metadata
import json
import platform
import time
from pathlib import Path

import keras
from latency import latency_ratios
from measures import measure, trial_figures
from methods import methods_of
from pages import write_pages
from quality_page import RESULTS, table
from settings import Settings
from shift_picture import draw
from study import Study, ask, train

from keras_sngp._runtime.files import atomic_write

PACKAGES = ("keras", "jax", "tensorflow", "torch", "numpy", "scikit-learn", "keras-sngp")


def arguments(description: str | None, *data_sets: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data_sets:
        parser.add_argument("data_set", choices=data_sets)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; by default KERAS_SNGP_DATA")
    parser.add_argument("--work-dir", type=Path, default=Path("build/quality"), help="answers of trained networks")
    parser.add_argument("--seeds", type=int, nargs="+", help="some seeds only")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--train-only", action="store_true", help="write no figures: for a second process beside")
    part.add_argument("--trials-only", action="store_true", help="only settings not tried yet, on validation data")
    return parser.parse_args()


def run(study: Study, settings: Settings, tried: list[tuple[str, Settings]], options: argparse.Namespace) -> None:
    """Goes on from the networks and figures there are."""
    file = RESULTS / f"{study.name}.json"
    old = json.loads(file.read_text()) if file.exists() else {}
    if not options.train_only:
        old["tried"] = try_all(study, tried, old.get("tried", []), options.work_dir / study.name / "tried.json")
    if options.trials_only:
        write(file, old)
        write_pages()
        return
    seeds = options.seeds or range(study.seeds)
    rows = [row for row in old.get("rows", []) if row["seed"] not in seeds]
    for seed in seeds:
        methods = methods_of(study, settings, seed, options.work_dir)
        if not options.train_only:
            rows += [{"method": name, "seed": seed, **measure(study, method)} for name, method in methods.items()]
    if options.train_only:
        return
    results = {
        "study": study.name,
        "title": study.title,
        "description": study.description,
        "settings": dataclasses.asdict(settings),
        "tried": old["tried"],
        "backend": keras.backend.backend(),
        "versions": versions(),
        "latency": latency_ratios(study, settings),
        "rows": sorted(rows, key=lambda row: row["seed"]),
    }
    RESULTS.mkdir(exist_ok=True)
    write(file, results)
    if study.shifts:
        draw(results)
    write_pages()
    print(table(results))


def versions() -> dict[str, str]:
    installed = {distribution.name.lower() for distribution in importlib.metadata.distributions()}
    return {"python": platform.python_version()} | {
        package: importlib.metadata.version(package) for package in PACKAGES if package in installed
    }


def write(file: Path, figures: dict | list) -> None:
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n")


def try_all(study: Study, tried: list[tuple[str, Settings]], known: list[dict], file: Path) -> list[dict]:
    """Figures of a network of each kind and settings, on validation data alone; those known or in the file are kept."""
    found = known + (json.loads(file.read_text()) if file.exists() else [])
    done = {json.dumps(trial["settings"]) + trial["network"]: trial for trial in found}
    keys = [json.dumps(dataclasses.asdict(settings)) + kind for kind, settings in tried]
    for key, (kind, settings) in zip(keys, tried, strict=True):
        if key not in done:
            done[key] = try_settings(study, kind, settings)
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file, list(done.values()))
    return [done[key] for key in keys]


def try_settings(study: Study, kind: str, settings: Settings) -> dict:
    started = time.perf_counter()
    once = dataclasses.replace(study, further_learning_rates=())
    found = ask(study, study.validation_questions(), train(once, settings, kind, seed=0))
    trial = {"network": kind, "settings": dataclasses.asdict(settings), **trial_figures(study, found)}
    print(trial, flush=True)
    return trial | {"seconds": round(time.perf_counter() - started, 1)}
