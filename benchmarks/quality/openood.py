"""OpenOOD v1.5's CIFAR-10 benchmark for the plain ResNet-18 and its SNGP, three seeds each.

    KERAS_BACKEND=torch python -m benchmarks.quality.openood --data-dir FOLDER --mixed-precision bfloat16

Made for a GPU: a network is 100 epochs of CIFAR-10. A run that was stopped goes on in the epoch it was in when it is
started again with the same `--work-dir`, where checkpoints (130 MB a network) and answers (up to 450 MB) are kept. The
answers are features, logits and variances of every set, so that scores can be added without training.

FOLDER holds CIFAR-10, CIFAR-100 and MNIST as docs/data.md says and, for Tiny ImageNet, SVHN, Textures, Places365 and
OpenOOD's own split of the others, its folders `images_classic` and `benchmark_imglist` (benchmarks/data/openood.py).
Sets that are missing are named in the output and in the results; the means are then over the sets that are there, and
do not compare with the leaderboard.

As OpenOOD: SGD with Nesterov momentum 0.9, weight decay 5e-4, learning rate 0.1 by a cosine, batches of 128, crops with
four black pixels around, mirrored half of the time, the weights of the best epoch on validation data. The SNGP is the
same network converted with a bound of 6.0 and the kernel's defaults, trained by the same recipe; then one pass over the
training images for the posterior, and calibration on the 1,000 validation images. Its output weights keep their own
penalty in place of the weight decay.

For a try: `--rows 500 --epochs 2 --networks plain --seeds 0 --work-dir /tmp/try --results-dir /tmp/try`.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sngp as sngp
from benchmarks.architectures.resnet18 import FEATURES, make_resnet_18
from benchmarks.data import openood
from benchmarks.data.openood import OpenOODCifar10
from benchmarks.markdown import markdown_table
from benchmarks.quality.openood_detectors import DETECTORS, TRIALS
from benchmarks.quality.openood_scores import (
    OUTSIDE_VALIDATION,
    TEST,
    TRAINING,
    VALIDATION,
    best_on_validation,
    in_domain_records,
    out_of_domain_records,
    score_of_detector,
    scores_of_outputs,
)
from benchmarks.quality.resumable_training import PREDICTED_ROWS, EpochImages, Recipe, standardised, train
from benchmarks.quality.run_study import installed_versions
from benchmarks.quality.tables import RESULTS
from benchmarks.results import read_results, write_results
from keras_sngp._runtime.files import atomic_write

PLAIN, SNGP = "plain", "sngp"
NEAR, FAR = "near", "far"
NAME, NORM_MULTIPLIER, NUM_INDUCING = "openood-cifar10", 6.0, 1024
CONVERT_ARGUMENTS = {"scale_random_features": True, "gp_kernel_amplitude": 128**0.5}
SEEDS = (0, 1, 2)

Arrays = dict[str, np.ndarray]


def make_network(kind: str, make_classifier: Callable[[], keras.Model] = make_resnet_18) -> keras.Model:
    """The plain classifier, or an SNGP of it without a posterior yet."""
    classifier = make_classifier()
    if kind == PLAIN:
        return classifier
    model, _ = sngp.convert(classifier, num_inducing=NUM_INDUCING, norm_multiplier=NORM_MULTIPLIER, **CONVERT_ARGUMENTS)
    return model


def answers(
    kind: str,
    seed: int,
    data: OpenOODCifar10,
    recipe: Recipe,
    folder: Path,
    make_classifier: Callable[[], keras.Model] = make_resnet_18,
) -> Path:
    """The file of what a network says of every set; trains the network first if there is no such file."""
    file, checkpoint = (folder / f"{kind}-{seed}-{what}.npz" for what in ("answers", "checkpoint"))
    if not file.exists():
        keras.utils.set_random_seed(seed)
        model = make_network(kind, make_classifier)
        reached = train(model, data.training, data.validation, recipe, seed, checkpoint)
        started = time.perf_counter()
        model = sngp.fold(model) if kind == SNGP else model
        if kind == SNGP:
            model.fit_posterior(EpochImages(*data.training, recipe.batch_size, seed, augmented=False))
            images, labels = data.validation
            model.calibrate(standardised(images), labels, batch_size=PREDICTED_ROWS)
        found = {f"{name}/{key}": array for name, images in sets_of(data).items() for key, array in ask(model, images)}
        reached["answering seconds"] = time.perf_counter() - started
        with atomic_write(file) as temporary:
            np.savez(temporary, **found, **{f"training/{key}": np.array(value) for key, value in reached.items()})
    return file


def sets_of(data: OpenOODCifar10) -> dict[str, np.ndarray]:
    """Every set of images that a network is asked about, with its name."""
    inside = {TRAINING: data.training[0], VALIDATION: data.validation[0], TEST: data.test[0]}
    return {**inside, OUTSIDE_VALIDATION: data.outside_validation, **data.near, **data.far}


def ask(model: keras.Model, images: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Features and logits of the images, and of an SNGP the calibrated probabilities and the variance."""
    asked = _ask_process if isinstance(model, sngp.SNGP) else _ask_plain
    parts = [asked(model, standardised(images[row : row + PREDICTED_ROWS])) for row in _starts(images)]
    for name in parts[0]:
        yield name, np.concatenate([part[name] for part in parts]).astype("float32")


def _ask_plain(model: keras.Model, images: np.ndarray) -> Arrays:
    both = keras.Model(model.inputs[0], [model.get_layer(FEATURES).output, model.outputs[0]])
    features, logits = both.predict_on_batch(images)
    return {"features": features, "logits": logits}


def _ask_process(model: sngp.SNGP, images: np.ndarray) -> Arrays:
    found = model.predict_distribution(images, batch_size=PREDICTED_ROWS)
    features = model.backbone.predict_on_batch(images)
    outputs = {"logits": found.logits, "probabilities": found.probabilities, "variance": found.variance}
    return {"features": features, **outputs}


def _starts(images: np.ndarray) -> range:
    return range(0, len(images), PREDICTED_ROWS)


def records_of(network: Mapping[str, np.ndarray], data: OpenOODCifar10) -> Iterator[dict[str, Any]]:
    """Every figure of a network; `chosen` marks the score that is best on validation data.

    A detector that does not take these features and logits has a record with its reason, and no figures.
    """
    labels = {TRAINING: data.training[1], VALIDATION: data.validation[1], TEST: data.test[1]}
    reached = {key: float(network[f"training/{key}"]) for key in ("seconds", "best epoch", "answering seconds")}
    for record in in_domain_records(network, labels):
        yield record | reached
    found = list(scores_of_outputs(network, labels))
    for name, make_detector in DETECTORS.items():
        try:
            found.append(score_of_detector(name, make_detector, TRIALS.get(name, [{}]), network, labels))
        except ValueError as error:
            yield {"data": "refused", "score": name, "reason": str(error)}
    chosen = best_on_validation(found)
    groups = {NEAR: list(data.near), FAR: list(data.far)}
    for score in found:
        mark = {"chosen": True} if score.name == chosen else {}
        for record in out_of_domain_records(score, groups):
            yield {"score": score.name, "settings": dict(score.settings), "trials": score.tried, **mark, **record}


def first_rows(data: OpenOODCifar10, rows: int) -> OpenOODCifar10:
    """At most the first `rows` images of each set, for a try."""

    def cut(part: Any) -> Any:
        return tuple(one[:rows] for one in part) if isinstance(part, tuple) else part[:rows]

    parts = {name: cut(getattr(data, name)) for name in ("training", "validation", "test", "outside_validation")}
    groups = {group: {name: images[:rows] for name, images in getattr(data, group).items()} for group in (NEAR, FAR)}
    return dataclasses.replace(data, **parts, **groups)


def results_of(
    data: OpenOODCifar10, recipe: Recipe, options: argparse.Namespace, records: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "study": NAME,
        "title": "CIFAR-10, ResNet-18, OpenOOD v1.5",
        "settings": {**dataclasses.asdict(recipe), "norm_multiplier": NORM_MULTIPLIER, "num_inducing": NUM_INDUCING},
        "rows": options.rows,
        "precision": options.mixed_precision or "float32",
        "backend": keras.backend.backend(),
        "versions": installed_versions(),
        "sources": data.sources,
        "missing": list(data.missing),
        "images": {name: len(images) for name, images in sets_of(data).items()},
        "positive": "out-of-domain images, in FPR95 too",
        "detectors": list(DETECTORS),
        "records": records,
    }


def leaderboard(results: dict[str, Any]) -> str:
    """Means and standard deviations over the seeds, in percent, as OpenOOD's leaderboard shows them."""
    lines = []
    found = [record for record in results["records"] if record["data"] in (NEAR, FAR)]
    for network, score in dict.fromkeys((record["network"], record["score"]) for record in found):
        of_score = [record for record in found if (record["network"], record["score"]) == (network, score)]
        cells = []
        for group in (NEAR, FAR):
            of_group = [record for record in of_score if record["data"] == group]
            for figure in ("auroc", "fpr95"):
                values = 100 * np.array([record[figure] for record in of_group])
                cells.append(f"{values.mean():.2f} ± {values.std():.2f}" if len(values) else "-")
        seeds = len({record["seed"] for record in of_score})
        marks = sum(record.get("chosen", False) for record in of_score if record["data"] == NEAR)
        lines.append((network, score, *cells, f"{marks} of {seeds}"))
    headings = ("network", "score", "near AUROC", "near FPR95", "far AUROC", "far FPR95", "chosen on validation data")
    return markdown_table(headings, lines)


def remarks(data: OpenOODCifar10) -> str:
    """What of the protocol could not be followed with the data there is, in lines."""
    lines = [f"{name}: {source}, {len(sets_of(data)[name]):,} images" for name, source in _sources(data)]
    if data.missing:
        lines.append(f"MISSING: {', '.join(data.missing)}. Near and far means are over the other sets alone")
    if any("split by us" in source for source in data.sources.values()):
        lines.append("OWN SPLIT: OpenOOD's lists are not all there, so that figures differ slightly from its own")
    return "\n".join(lines)


def _sources(data: OpenOODCifar10) -> Iterator[tuple[str, str]]:
    shown = {"train": TRAINING, "val": VALIDATION, "test": TEST}
    yield from ((shown.get(name, name), source) for name, source in data.sources.items())


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; by default KERAS_SNGP_DATA")
    parser.add_argument("--work-dir", type=Path, default=Path("build/openood"), help="checkpoints and answers")
    parser.add_argument("--results-dir", type=Path, default=RESULTS, help="figures")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="some seeds only")
    parser.add_argument("--networks", nargs="+", choices=(PLAIN, SNGP), default=(PLAIN, SNGP))
    parser.add_argument("--mixed-precision", choices=("bfloat16", "float16"), help="weights stay float32")
    parser.add_argument("--epochs", type=int, help="fewer, for a try; wants other folders for work and results")
    parser.add_argument("--rows", type=int, help="of each set, for a try; wants other folders for work and results")
    options = parser.parse_args(given)
    if (options.rows or options.epochs) and options.results_dir == RESULTS:
        parser.error("A try with --rows or --epochs needs a --results-dir of its own")
    return options


def run(options: argparse.Namespace, make_classifier: Callable[[], keras.Model] = make_resnet_18) -> dict[str, Any]:
    """Goes on from the networks there are; writes the figures after each network."""
    if options.mixed_precision:
        keras.mixed_precision.set_global_policy(f"mixed_{options.mixed_precision}")
    data = openood.load(options.data_dir)
    data = first_rows(data, options.rows) if options.rows else data
    recipe = Recipe(epochs=options.epochs) if options.epochs else Recipe()
    print(remarks(data), flush=True)
    file = options.results_dir / f"{NAME}.json"
    records = read_results(file).get("records", [])
    for seed in options.seeds:
        for kind in options.networks:
            with np.load(answers(kind, seed, data, recipe, options.work_dir, make_classifier)) as network:
                new = [{"network": kind, "seed": seed, **record} for record in records_of(network, data)]
            kept = [record for record in records if (record["network"], record["seed"]) != (kind, seed)]
            records = sorted([*kept, *new], key=lambda record: (record["seed"], record["network"]))
            write_results(file, results_of(data, recipe, options, records))
    results = read_results(file)
    print(leaderboard(results))
    for record in results["records"]:
        if record["data"] == "refused":
            print(f"REFUSED: {record['score']} on {record['network']} {record['seed']}. {record['reason']}")
    print(remarks(data))
    return results


if __name__ == "__main__":
    run(arguments())
