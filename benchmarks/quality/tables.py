"""The tables in docs and in the README that show the figures in `results`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd

from benchmarks.markdown import markdown_table
from benchmarks.quality import method_names as names
from benchmarks.results import read_results

RESULTS = Path(__file__).parent / "results"
ORDER = (
    "clinc150-frozen",
    "clinc150-fine-tuned",
    "bbc-news",
    "cifar10-pretrained",
    "cifar100-pretrained",
    "fashion-mnist",
    "mnist",
    "cifar10-resnet-20",
    "cifar10-open-set",
    "adult",
)
IN_DOMAIN = {"accuracy": "accuracy ↑", "ece": "ECE ↓", "nll": "NLL ↓", "accuracy at 80% coverage": "accuracy at 80 % ↑"}
OUT_OF_DOMAIN = {"auroc": "AUROC ↑", "aupr": "AUPR ↑", "fpr95": "FPR95 ↓"}
ON_VALIDATION_DATA = {"accuracy": "accuracy", "ece": "ECE", "nll": "NLL", "auroc": "AUROC", "aupr": "AUPR"}
UNDER_SHIFT = ("accuracy", "ece", "uncertainty")
ABBREVIATIONS = {"Dempster-Shafer": "D-S", "mutual information": "MI", "max probability": "max p"}
SCORES = ("max probability", "entropy", "Dempster-Shafer", "variance", "mutual information", *names.WEIGHTS_OF_VARIANCE)
IN_README = (names.DETERMINISTIC, names.TEMPERATURE, "MC dropout", "deep ensemble", "SNGP", "SNGP ensemble")
COMPARED = (*IN_README, names.WITHOUT_BOUND)
SCORED = (names.DETERMINISTIC, names.TEMPERATURE, "deep ensemble", "SNGP")
CALIBRATED = (*COMPARED, names.TEMPERATURE_FOR_SHIFT, names.SNGP_FOR_SHIFT, names.WITHOUT_GP)
PARTS = {"Dempster-Shafer": "D-S", "variance": "variance", names.FISHER: "D-S and variance"}
SIGNIFICANT = 0.001
NOT_MEASURED = "Not measured yet."

Study = dict[str, Any]


def read_study(file: Path) -> Study:
    """What a file in `results` holds, its records and the trials of settings as frames."""
    study = read_results(file)
    return study | {name: pd.DataFrame(study.get(name, [])) for name in ("records", "tried", "detectors")}


def read_studies() -> list[Study]:
    """Those that have been measured, in the order of the page."""
    files = (RESULTS / f"{name}.json" for name in ORDER)
    return [read_study(file) for file in files if "records" in read_results(file)]


def methods(study: Study) -> list[str]:
    return list(study["records"]["method"].unique())


def by_chosen_score(study: Study) -> dict[str, pd.DataFrame]:
    """The records of each out-of-domain set by the score that was chosen on validation data."""
    records = study["records"]
    return dict(iter(records[records["chosen"].eq(True)].groupby("data", sort=False)))


def spread(records: pd.DataFrame, figure: str) -> pd.Series:
    """Mean ± standard deviation over seeds, by method."""

    def text(figures: pd.Series) -> str:
        return f"{figures.mean():.4f}" + (f" ± {figures.std():.4f}" if len(figures) > 1 else "")

    return records.groupby("method", sort=False)[figure].agg(text)


def shift_means(study: Study) -> pd.DataFrame:
    """Figures by kind of shift, method and strength, as means over seeds; strength 0 is in every kind."""
    shifted = study["records"].dropna(subset="strength")
    kinds = [kind for kind in shifted["data"].unique() if kind != names.UNSHIFTED]
    plain = shifted[shifted["data"] == names.UNSHIFTED]
    complete = pd.concat([shifted[shifted["data"] != names.UNSHIFTED], *(plain.assign(data=kind) for kind in kinds)])
    return complete.groupby(["data", "method", "strength"], sort=False)[list(UNDER_SHIFT)].agg(mean)


def methods_table(study: Study) -> str:
    """One row a method, and below it what the methods were trained with."""
    records, outside = study["records"], by_chosen_score(study)
    test = records[records["data"] == "test"]
    columns = {heading: spread(test, figure) for figure, heading in IN_DOMAIN.items()}
    headings = ["method", *columns]
    for name, chosen in outside.items():
        columns |= {f"{name} {figure}": spread(chosen, figure) for figure in OUT_OF_DOMAIN}
        first, *others = OUT_OF_DOMAIN.values()
        headings += [f"{name}: {first}", *others]
    abbreviated = next(iter(outside.values())).replace({"score": ABBREVIATIONS})
    columns["score"] = abbreviated.groupby("method")["score"].agg(lambda scores: " or ".join(sorted(set(scores))))
    columns["latency"] = pd.Series({method: f"{ratio:.2f}" for method, ratio in study["latency"].items()})
    cells = pd.DataFrame(columns).reindex(methods(study)).fillna("")
    table = markdown_table([*headings, "score", "latency ↓"], cells.itertuples(name=None))
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in study["settings"].items())
    return f"{table}\n\n{counted_seeds(records)}; backend {study['backend']}; {settings}."


def detectors_table(study: Study) -> str:
    """A row for each detector, with AUROC, AUPR and FPR95 by the features it was fitted to; last the methods' own."""
    found = study["detectors"]
    if found.empty:
        return NOT_MEASURED
    own = study["records"][study["records"]["chosen"].eq(True)].assign(detector="own score")
    own = own.assign(features=own["method"])[own["method"].isin(found["features"])]
    places = ["detector", "data", "features"]
    groups = pd.concat([found, own]).groupby(places, sort=False)[list(OUT_OF_DOMAIN)]
    means = groups.mean().map("{:.3f}".format)
    spreads = groups.std().map(lambda spread: "" if pd.isna(spread) else f" ± {spread:.3f}")
    cells = (means + spreads).agg(" / ".join, axis="columns").unstack(["data", "features"], sort=False)
    headings = [f"{other}: {features} features" for other, features in cells]
    table = markdown_table(["detector", *headings], cells.fillna("").itertuples(name=None))
    return f"{table}\n\nAUROC ↑ / AUPR ↑ / FPR95 ↓; {counted_seeds(found, 'features')}. {_chosen_settings(found)}"


def _chosen_settings(found: pd.DataFrame) -> str:
    """Which of the three settings of a detector validation data chose, on either kind of features."""
    tried = found[found["setting"].astype(bool)].drop_duplicates(["detector", "features", "seed"])
    chosen = tried.assign(value=tried["setting"].map(lambda setting: ", ".join(map(str, setting.values()))))
    kinds = chosen["setting"].map(lambda setting: next(iter(setting)).replace("_", " "))
    values = chosen.groupby(["detector", kinds, "features"], sort=False)["value"].agg(
        lambda values: " or ".join(values.unique())
    )
    pairs = values.groupby(level=[0, 1], sort=False).agg(" | ".join)
    texts = "; ".join(f"{detector} {name} {own}" for (detector, name), own in pairs.items())
    return f"Chosen of three settings on validation data (plain | SNGP features): {texts}."


def counted_seeds(records: pd.DataFrame, of: str = "method") -> str:
    seeds = records.groupby(of, sort=False)["seed"].nunique()
    most = seeds.max()
    fewer = ", ".join(f"{method} {count}" for method, count in seeds[seeds < most].items())
    return f"{most} {'seeds' if most > 1 else 'seed'}{f' ({fewer})' if fewer else ''}"


def human_table(study: Study) -> str:
    """Accuracy of all cases, by the share that goes to the expert."""
    records = study["records"]
    asked = records[records["data"] == "expert"].dropna(axis="columns")
    shares = [name for name in asked if name.startswith("share ")]
    headings = ["method", *(f"{float(name.removeprefix('share ')):.0%} deferred" for name in shares)]
    return markdown_table(headings, pd.DataFrame({name: spread(asked, name) for name in shares}).itertuples(name=None))


def shift_table(study: Study) -> str:
    means = shift_means(study)
    texts = means.map("{:.2f}".format).agg(" / ".join, axis="columns").unstack("strength", sort=False)
    texts = texts[sorted(texts)]
    headings = ["shift", "method", *(f"strength {strength:.0f}" for strength in texts)]
    places = [(kind, method) for kind in means.index.unique("data") for method in methods(study)]
    return markdown_table(headings, ([*place, *texts.loc[place]] for place in places))


def tried_table(study: Study) -> str:
    """The settings that differ, and what a network had with them on validation data."""
    tried = study["tried"]
    varied = [name for name in study["settings"] if tried[name].astype(str).nunique() > 1]
    headings = ["network", *(name.replace("_", " ") for name in varied), *ON_VALIDATION_DATA.values()]
    return markdown_table(headings, _trial_lines(tried, ["network", *varied]))


def _trial_lines(tried: pd.DataFrame, columns: list[str]) -> Iterator[list[str]]:
    for trial in tried.to_dict("records"):
        yield [*(str(trial[name]) for name in columns), *(f"{trial[figure]:.4f}" for figure in ON_VALIDATION_DATA)]


def readme_table() -> str:
    """A row for each method that users choose from, by the first out-of-domain set of each study."""
    lines = []
    for study in read_studies():
        records, (other, outside) = study["records"], next(iter(by_chosen_score(study).items()))
        columns = [(records[records["data"] == "test"], ["accuracy", "ece", "nll"]), (outside, ["auroc", "aupr"])]
        means = pd.concat([rows.groupby("method", sort=False)[figures].mean() for rows, figures in columns], axis=1)
        for method, *figures in means.itertuples(name=None):
            if _short(method) in IN_README:
                latency = f"{study['latency'][method]:.2f}" if method in study["latency"] else ""
                lines.append([f"{study['title']}; {other}", method, *(f"{figure:.4f}" for figure in figures), latency])
    headings = ("accuracy ↑", "ECE ↓", "NLL ↓", "AUROC ↑", "AUPR ↑", "latency ↓")
    return markdown_table(["trained on, asked about", "method", *headings], lines)


def _short(method: str) -> str:
    return method.split(" (")[0]


def _pairs() -> Iterator[tuple[Study, str, pd.Series]]:
    """Each study with each of its out-of-domain sets, and the AUROC of each method there, by its chosen score."""
    for study in read_studies():
        for other, records in by_chosen_score(study).items():
            yield study, other, records.groupby("method", sort=False)["auroc"].mean()


def _cells(figures: Iterable[float]) -> list[str]:
    return ["" if pd.isna(figure) else f"{figure:.3f}" for figure in figures]


def compared_table() -> str:
    """AUROC of each method out of domain, by the score chosen for it."""
    lines = [
        [study["title"], other, *_cells(found.rename(_short).reindex(COMPARED))] for study, other, found in _pairs()
    ]
    return markdown_table(["trained on", "out of domain", *COMPARED], lines)


def scores_table() -> str:
    """AUROC by each score of three methods."""
    lines = []
    for study, other, found in _pairs():
        means = _by_score(study, other)
        scored = [method for method in found.index if _short(method) in SCORED]
        lines += [[study["title"], other, _short(method), *_cells(means.loc[method])] for method in scored]
    return markdown_table(["trained on", "out of domain", "method", *SCORES], lines)


def _by_score(study: Study, other: str) -> pd.DataFrame:
    """AUROC of each method on one out-of-domain set, by each of its scores."""
    outside = study["records"][study["records"]["data"] == other]
    return outside.groupby(["method", "score"])["auroc"].mean().unstack().reindex(columns=SCORES)


def calibration_table() -> str:
    """Calibration error on test data and, as a mean over strengths, under each shift."""
    lines, kinds = [], []
    for study in read_studies():
        if names.SNGP_FOR_SHIFT not in methods(study):
            continue
        records, means = study["records"], shift_means(study)["ece"].drop(0, level="strength")
        inside = records[records["data"] == "test"].groupby("method")["ece"].mean()
        shifted = means.groupby(["method", "data"], sort=False).mean().unstack(sort=False)
        kinds = list(shifted)
        shown = [method for method in methods(study) if _short(method) in CALIBRATED]
        lines += [[study["title"], method, *_cells([inside[method], *shifted.loc[method]])] for method in shown]
    return markdown_table(["trained on", "method", "ECE on test images", *kinds], lines)


def behind_table() -> str:
    """Where another method finds out-of-domain inputs better than the SNGP."""
    lines = []
    for study, other, found in _pairs():
        ahead = found[(found > found["SNGP"] + SIGNIFICANT) & ~found.index.str.startswith("SNGP ensemble")]
        scores = by_chosen_score(study)[other].groupby("method")["score"].first().replace(ABBREVIATIONS)
        for method, auroc in ahead.items():
            lines.append([study["title"], other, f"{found['SNGP']:.3f}", method, f"{auroc:.3f}", scores[method]])
    return markdown_table(["trained on", "out of domain", "SNGP", "ahead of it", "its AUROC", "its score"], lines)


def combined_table() -> str:
    """AUROC of the combined score of the SNGP, of its two parts, and of the best method of a single network."""
    lines = []
    for study, other, found in _pairs():
        own, others = _by_score(study, other).loc["SNGP"], _single_networks(study, other, found)
        best = others.idxmax()
        difference = f"{own[names.FISHER] - others[best]:+.3f}"
        lines.append([study["title"], other, *_cells([*own[list(PARTS)], others[best]]), best, difference])
    headings = ["trained on", "out of domain", *PARTS.values(), "best other", "its name", "difference"]
    return markdown_table(headings, lines)


def _single_networks(study: Study, other: str, found: pd.Series) -> pd.Series:
    """AUROC of what needs one network: every detector on either kind of features, and every method but the SNGP's."""
    several = found.index.str.contains("ensemble") | found.index.str.startswith("SNGP")
    detectors = study["detectors"]
    if detectors.empty:
        return found[~several]
    means = detectors[detectors["data"].eq(other)].groupby(["detector", "features"], sort=False)["auroc"].mean()
    means.index = [f"{detector} ({features})" for detector, features in means.index]
    return pd.concat([found[~several], means])


def sweeps(setting: str) -> str:
    """What SNGPs had on validation data where one setting alone differed: around the study's, or in most trials."""
    headings = [setting.replace("_", " "), *ON_VALIDATION_DATA.values()]
    found = []
    for study in read_studies():
        trials = _sweep(study, setting)
        if len(trials) > 1:
            lines = sorted(_trial_lines(trials, [setting]), key=_number_first)
            unlike = {
                name: trials[name].iloc[0]
                for name, value in study["settings"].items()
                if name != setting and trials[name].iloc[0] != value
            }
            title = ", ".join(
                [study["title"], *(f"{name.replace('_', ' ')} {value}" for name, value in unlike.items())]
            )
            found.append(f"{title}:\n\n{markdown_table(headings, lines)}")
    return "\n\n".join(found)


def _sweep(study: Study, setting: str) -> pd.DataFrame:
    tried, settings = study["tried"], study["settings"]
    if tried.empty:
        return tried
    without_bound = (tried["network"] == "no bound") & (setting == "norm_multiplier")
    trials = tried[(tried["network"] == "SNGP") | without_bound].copy()
    trials[setting] = (
        trials[setting].where(trials["network"] == "SNGP", "none") if without_bound.any() else trials[setting]
    )
    others = [name for name in settings if name != setting]
    groups = dict(iter(trials.groupby([trials[name].astype(str) for name in others], sort=False)))
    around = groups.get(tuple(str(settings[name]) for name in others), trials[:0])
    return around if len(around) > 1 else max(groups.values(), key=len, default=around)


def _number_first(line: list[str]) -> tuple[bool, float]:
    return (False, float(line[0])) if line[0].replace(".", "").isdigit() else (True, 0.0)


def tables() -> dict[str, str]:
    """Every table of quality, by the name that its marker in a page has."""
    found = dict.fromkeys((f"{name} {table}" for name in ORDER for table in ("methods", "detectors")), NOT_MEASURED)
    found["readme"] = readme_table()
    for study in read_studies():
        name, kinds = study["study"], set(study["records"]["data"])
        found |= {f"{name} methods": methods_table(study), f"{name} detectors": detectors_table(study)}
        if "expert" in kinds:
            found[f"{name} with a human"] = human_table(study)
        if names.UNSHIFTED in kinds:
            found[f"{name} under shift"] = shift_table(study)
        if not study["tried"].empty:
            found[f"{name} settings tried"] = tried_table(study)
    found |= {"combined": combined_table(), "compared": compared_table(), "scores": scores_table()}
    found["calibration under shift"] = calibration_table()
    found |= {setting: sweeps(setting) for setting in ("norm_multiplier", "gp_kernel_scale", "num_inducing")}
    return found | {"behind": behind_table()}
