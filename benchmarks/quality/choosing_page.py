"""The page in docs about which method and settings to choose, with the figures it rests on."""

from quality_page import DOCS, load_studies, markdown, trial_figures

PAGE = DOCS / "choosing.md"
SWEPT = {
    "gp_kernel_scale": ("Kernel scale", "kernel scale"),
    "num_inducing": ("Number of random features", "features"),
    "norm_multiplier": ("Bound on spectral norms", "bound"),
}


def render() -> str:
    """The page."""
    return INTRODUCTION + "".join(_section(study) for study in load_studies().values() if study["tried"])


INTRODUCTION = ""


def _section(study: dict) -> str:
    return "".join(sweep(study, setting) for setting in SWEPT)


def sweep(study: dict, setting: str) -> str:
    """What an SNGP had on validation data when only one setting differed from those of the table; or nothing."""
    trials = [trial for trial in study["tried"] if _differs_in(study, trial, setting)]
    if len(trials) < 2:
        return ""
    title, heading = SWEPT[setting]
    lines = sorted(([_value(trial, setting), *trial_figures(trial)] for trial in trials), key=_number_first)
    return f"\n{title}, {study['title']}:\n\n{markdown([heading, 'accuracy', 'ECE', 'NLL', 'AUROC', 'AUPR'], lines)}\n"


def _differs_in(study: dict, trial: dict, setting: str) -> bool:
    others = {name: value for name, value in trial["settings"].items() if name != setting}
    same = all(study["settings"][name] == value for name, value in others.items())
    return same and (trial["network"] == "SNGP" or (trial["network"] == "no bound" and setting == "norm_multiplier"))


def _value(trial: dict, setting: str) -> str:
    return "none" if trial["network"] == "no bound" else str(trial["settings"][setting])


def _number_first(line: list[str]) -> tuple[bool, float]:
    try:
        return False, float(line[0])
    except ValueError:
        return True, 0.0
