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
        calls["shared"] = [lambda _: study.shared_step(ROWS)]
    medians = _medians(calls, rows)
    shared = medians.pop("shared", 0.0)
    return {name: (shared + own) / (shared + medians[DETERMINISTIC]) for name, own in medians.items()}


def calls_of(study: Study, settings: Settings, rows: Any) -> dict[str, list[Call]]:
    """Predictions by the networks of each method; how well those are trained does not matter here."""

    def networks(kind: str, count: int = 1) -> list[Call]:
        return [network(kind) for _ in range(count)]

    def network(kind: str) -> Call:
        model = make_network(study, settings, kind)
        if kind in (DENSE, NO_GP):
            return sngp.Deterministic(sngp.fold(model)).predict_distribution
        model.fit_posterior(rows)
        return sngp.fold(model).predict_distribution

    dropout = sngp.MCDropout(make_network(study, settings, DENSE), num_samples=MC_SAMPLES)
    calls = {DETERMINISTIC: networks(DENSE), SNGP: networks(SNGP)}
    calls[MC_DROPOUT] = [lambda rows: dropout.predict_distribution(rows, seed=0)]
    if study.members > 1:
        calls[deep_ensemble(study)] = networks(DENSE, study.members)
    if study.process_members > 1:
        calls[process_ensemble(study)] = networks(SNGP, study.process_members)
    if study.ablations:
        calls |= {WITHOUT_BOUND: networks(NO_BOUND), WITHOUT_GP: networks(NO_GP)}
    return calls


def _medians(calls: dict[str, list[Call]], rows: Any) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(1 + TURNS):
        for name, members in calls.items():
            started = time.perf_counter()
            for call in members:
                call(rows)
            times[name].append(time.perf_counter() - started)
    # The first turn compiles.
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}
