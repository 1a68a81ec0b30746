"""What the figures mean, in sentences."""

from keras_sngp.report.evaluation import Evaluation
from keras_sngp.report.evaluation_tables import SCORE_NAMES, percent


def verdicts(model: Evaluation) -> list[str]:
    """A few sentences on one model, from its figures alone."""
    return [text for text in (_quality(model), _calibration(model), _knowing(model), _handover(model)) if text]


def _quality(model: Evaluation) -> str:
    accuracy = model.measures["accuracy"]
    worst = model.classes[0]
    text = f"It is right in {percent(accuracy.estimate)} of {len(model.table):,} cases"
    if worst["recall"] is not None:
        text += f"; worst at {worst['class']}, of which it finds {percent(worst['recall'])}"
    return text + "."


def _calibration(model: Evaluation) -> str:
    error = model.measures["expected_calibration_error"].estimate
    mean_gap = float((model.bins.share * model.bins.gap).sum())
    if error < 0.01:
        return f"What it says can be taken at its word: on average it is {percent(error)} off."
    if abs(mean_gap) < error / 2:
        return f"What it says is {percent(error)} off on average, in both directions."
    direction = "too sure" if mean_gap < 0 else "not sure enough"
    help_ = model.temperature
    return (
        f"It is {direction}: what it says is {percent(error)} off on average. A temperature of "
        f"{help_['temperature']:.2f} would make that {percent(help_['expected_calibration_error_after'])}."
    )


def _knowing(model: Evaluation) -> str:
    if not model.separation:
        return ""
    best = max(model.separation, key=lambda score: model.separation[score]["auroc"].estimate)
    auroc = model.separation[best]["auroc"].estimate
    text = f"It tells out-of-domain cases apart with an AUROC of {auroc:.3f}, best by {SCORE_NAMES[best]}."
    if auroc < 0.6:
        text = f"It hardly tells out-of-domain cases apart: the best AUROC of any score is {auroc:.3f}."
    if model.handed_over is not None:
        text += f" The policy hands over {percent(model.handed_over['deferral_rate'])} of them."
    return text


def _handover(model: Evaluation) -> str:
    outcome = model.handover.outcome
    if outcome is None:
        return f"There is no policy: {model.handover.refusal}."
    if not outcome["deferral_rate"]:
        return "The policy hands over none of the cases."
    text = (
        f"Handing over {percent(outcome['deferral_rate'])} of the cases leaves answers that are right in "
        f"{percent(outcome['accuracy_answered'])}"
    )
    if "joint_accuracy" not in outcome:
        return (
            f"{text}, and catches {percent(outcome['mistakes_caught'])} of the mistakes. An expert gains who is right "
            f"in more than {percent(outcome['accuracy_deferred'])} of what is handed over."
        )
    machine, expert, joint = (outcome[key] for key in ("machine_accuracy", "expert_accuracy", "joint_accuracy"))
    alone = "machine's least costly answers" if "costs" in outcome else "machine"
    text += f". With the expert, {percent(joint)} of all cases come out right, against {percent(machine)} by the "
    text += f"{alone} alone and {percent(expert)} by the expert alone"
    if "costs" in outcome:
        costs = outcome["costs"]
        text += f"; a case costs {costs['joint']:.4g}, against {costs['machine']:.4g} and {costs['expert']:.4g}"
    return text + "."
