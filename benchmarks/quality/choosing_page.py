"""The page in docs about which method and settings to choose, with the figures it rests on."""

import json
from collections.abc import Iterator
from statistics import mean

from choosing_text import BEHIND, BOUND, ENDING, FEATURES, INTRODUCTION, KERNEL_SCALE, METHOD, SCORE, SHIFT
from method_names import (
    DETERMINISTIC,
    SNGP_FOR_SHIFT,
    TEMPERATURE,
    TEMPERATURE_FOR_SHIFT,
    WEIGHTS_OF_VARIANCE,
    WITHOUT_BOUND,
    WITHOUT_GP,
)
from quality_page import (
    ABBREVIATIONS,
    DOCS,
    load_studies,
    markdown,
    methods,
    out_of_domain,
    rows_of,
    shift_mean,
    trial_figures,
)

PAGE = DOCS / "choosing.md"
COMPARED = ("deterministic", "MC dropout", "deep ensemble", "SNGP", "SNGP ensemble", "SNGP without bound")
SCORED = ("deterministic", "deep ensemble", "SNGP")
SCORES = ("max probability", "entropy", "Dempster-Shafer", "variance", "mutual information", *WEIGHTS_OF_VARIANCE)
PLAIN = (DETERMINISTIC, TEMPERATURE, TEMPERATURE_FOR_SHIFT, "MC dropout", "deep ensemble")
UNDER_SHIFT = (*PLAIN, "SNGP", SNGP_FOR_SHIFT, WITHOUT_BOUND, WITHOUT_GP)
SIGNIFICANT = 0.001


def render() -> str:
    """The page."""
    studies = load_studies()
    parts = [INTRODUCTION, METHOD, method_table(studies), SCORE, score_table(studies)]
    parts += [SHIFT, shift_table(studies)]
    for text, setting in ((BOUND, "norm_multiplier"), (KERNEL_SCALE, "gp_kernel_scale"), (FEATURES, "num_inducing")):
        parts += [text, *sweeps(studies, setting)]
    return "\n\n".join([*parts, BEHIND, behind_table(studies), ENDING]) + "\n"


def method_table(studies: dict[str, dict]) -> str:
    """AUROC of each method out of domain, by the score chosen for it."""
    lines = []
    for study, other in pairs(studies):
        found = {_short(method): mean_auroc(study, method, other) for method in methods(study)}
        figures = [f"{found[name]:.3f}" if name in found else "" for name in COMPARED]
        lines.append([study["title"], other, *figures])
    return markdown(["trained on", "out of domain", *COMPARED], lines)


def score_table(studies: dict[str, dict]) -> str:
    """AUROC by each score of three methods."""
    lines = []
    for study, other in pairs(studies):
        for method in methods(study):
            if _short(method) in SCORED:
                lines.append([study["title"], other, _short(method), *_by_score(study, method, other)])
    return markdown(["trained on", "out of domain", "method", *SCORES], lines)


def _by_score(study: dict, method: str, other: str) -> list[str]:
    rows = [row["out_of_domain"][other] for row in rows_of(study, method)]
    return [f"{mean(row[score]['auroc'] for row in rows):.3f}" if score in rows[0] else "" for score in SCORES]


def shift_table(studies: dict[str, dict]) -> str:
    """Calibration error on test data and, as a mean over strengths, under each shift."""
    shifted = [study for study in studies.values() if SNGP_FOR_SHIFT in methods(study)]
    kinds = list(dict.fromkeys(kind for study in shifted for kind in study["rows"][0]["shifts"]))
    lines = []
    for study in shifted:
        for method in methods(study):
            if _short(method) in UNDER_SHIFT:
                inside = mean(row["test"]["ece"] for row in rows_of(study, method))
                figures = [inside, *(_mean_over_strengths(study, method, kind) for kind in kinds)]
                lines.append([study["title"], method, *(f"{figure:.3f}" for figure in figures)])
    return markdown(["trained on", "method", "ECE on test images", *kinds], lines)


def _mean_over_strengths(study: dict, method: str, kind: str) -> float:
    strengths = range(1, len(study["rows"][0]["shifts"][kind]))
    return mean(shift_mean(study, method, kind, number, "ece") for number in strengths)


def behind_table(studies: dict[str, dict]) -> str:
    """Where another method finds out-of-domain inputs better than the SNGP."""
    lines = []
    for study, other in pairs(studies):
        own = mean_auroc(study, "SNGP", other)
        for method in methods(study):
            theirs = mean_auroc(study, method, other)
            if "SNGP ensemble" not in method and theirs > own + SIGNIFICANT:
                score = ABBREVIATIONS.get(rows_of(study, method)[0]["score"], rows_of(study, method)[0]["score"])
                lines.append([study["title"], other, f"{own:.3f}", method, f"{theirs:.3f}", score])
    return markdown(["trained on", "out of domain", "SNGP", "ahead of it", "its AUROC", "its score"], lines)


def pairs(studies: dict[str, dict]) -> Iterator[tuple[dict, str]]:
    """Each study with each of its out-of-domain sets."""
    return ((study, other) for study in studies.values() for other in study["rows"][0]["out_of_domain"])


def mean_auroc(study: dict, method: str, other: str) -> float:
    return mean(out_of_domain(row, other, "auroc") for row in rows_of(study, method))


def _short(method: str) -> str:
    return method.split(" (")[0]


def sweeps(studies: dict[str, dict], setting: str) -> list[str]:
    """What SNGPs had on validation data where one setting alone differed: around the table's, or in most trials."""
    found = []
    for study in studies.values():
        groups: dict[str, list[dict]] = {}
        for trial in study["tried"]:
            if trial["network"] == "SNGP" or (trial["network"] == "no bound" and setting == "norm_multiplier"):
                groups.setdefault(_others(trial["settings"], setting), []).append(trial)
        trials = max(groups.values(), key=len, default=[])
        around_table = groups.get(_others(study["settings"], setting), [])
        trials = around_table if len(around_table) > 1 else trials
        if len(trials) > 1:
            lines = sorted(([_value(trial, setting), *trial_figures(trial)] for trial in trials), key=_number_first)
            headings = [setting.replace("_", " "), "accuracy", "ECE", "NLL", "AUROC", "AUPR"]
            found.append(f"{_title(study, trials[0], setting)}:\n\n{markdown(headings, lines)}")
    return found


def _others(settings: dict, setting: str) -> str:
    return json.dumps({name: value for name, value in settings.items() if name != setting}, sort_keys=True)


def _title(study: dict, trial: dict, setting: str) -> str:
    """The study's title, with what was other than in its table of quality."""
    unlike = {name: value for name, value in trial["settings"].items() if study["settings"][name] != value}
    unlike.pop(setting, None)
    return ", ".join([study["title"], *(f"{name.replace('_', ' ')} {value}" for name, value in unlike.items())])


def _value(trial: dict, setting: str) -> str:
    return "none" if trial["network"] == "no bound" else str(trial["settings"][setting])


def _number_first(line: list[str]) -> tuple[bool, float]:
    try:
        return False, float(line[0])
    except ValueError:
        return True, 0.0
