"""Time of one batch by each method, as a ratio to the plain network, taken in turn in the same process."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import keras

import keras_sngp as sngp
from benchmarks.quality.method_names import DETERMINISTIC, WITHOUT_BOUND, WITHOUT_GP
from benchmarks.quality.methods import MC_DROPOUT, deep_ensemble, process_ensemble
from benchmarks.quality.study import DENSE, MC_SAMPLES, NO_BOUND, NO_GP, SNGP, Settings, Study, make_network

ROWS = 128
TURNS = 11

Call = Callable[[Any], Any]


def latency_ratios(study: Study, settings: Settings) -> dict[str, float]:
    """Median time for 128 rows over that of the deterministic network, what all share (an encoder) included."""
    rows = keras.tree.map_structure(lambda array: array[:ROWS], study.test[0])
    calls = calls_of(study, settings, rows)
    if study.shared_step is not None:
        calls["shared"] = lambda _: study.shared_step(ROWS)
    medians = _medians(calls, rows)
    shared = medians.pop("shared", 0.0)
    return {name: (shared + own) / (shared + medians[DETERMINISTIC]) for name, own in medians.items()}


def calls_of(study: Study, settings: Settings, rows: Any) -> dict[str, Call]:
    """Predictions of each method; how well its networks are trained does not matter here."""

    def process(kind: str) -> Call:
        model = make_network(study, settings, kind)
        model.fit_posterior(rows)
        return sngp.fold(model).predict_distribution

    def plain(kind: str) -> Call:
        return sngp.Deterministic(sngp.fold(make_network(study, settings, kind))).predict_distribution

    def all_of(make: Callable[[str], Call], kind: str, count: int) -> Call:
        members = [make(kind) for _ in range(count)]
        return lambda rows: [call(rows) for call in members]

    dropout = sngp.MCDropout(make_network(study, settings, DENSE), num_samples=MC_SAMPLES)
    calls = {DETERMINISTIC: plain(DENSE), MC_DROPOUT: lambda rows: dropout.predict_distribution(rows, seed=0)}
    calls[SNGP] = process(SNGP)
    if study.members > 1:
        calls[deep_ensemble(study)] = all_of(plain, DENSE, study.members)
    if study.process_members > 1:
        calls[process_ensemble(study)] = all_of(process, SNGP, study.process_members)
    if study.ablations:
        calls |= {WITHOUT_BOUND: process(NO_BOUND), WITHOUT_GP: plain(NO_GP)}
    return calls


def _medians(calls: dict[str, Call], rows: Any) -> dict[str, float]:
    for call in calls.values():
        call(rows)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, call in calls.items():
            started = time.perf_counter()
            call(rows)
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}
