"""What the figures mean, in sentences."""

from keras_sngp.metrics.scores import SCORES
from keras_sngp.report.evaluation import Evaluation
from keras_sngp.report.text_table import percent


def verdicts(model: Evaluation) -> list[str]:
    """A few sentences on one model, from its figures alone."""
    return [text for text in (_quality(model), _calibration(model), _detection(model), _deferral(model)) if text]


def _quality(model: Evaluation) -> str:
    text = f"The accuracy is {percent(model.measures['accuracy'].estimate)} on {len(model.table):,} cases."
    worst = model.classes[0]
    if worst["recall"] is not None:
        text += f" The class with the lowest recall is {worst['class']} ({percent(worst['recall'])})."
    return text


def _calibration(model: Evaluation) -> str:
    error = model.measures["expected_calibration_error"].estimate
    mean_gap = float((model.bins.share * model.bins.gap).sum())
    if error < 0.01:
        return f"The model is well calibrated: its stated probabilities are {percent(error)} off on average (ECE)."
    if abs(mean_gap) < error / 2:
        return f"The stated probabilities are {percent(error)} off on average (ECE), some too high, some too low."
    direction, side = ("overconfident", "high") if mean_gap < 0 else ("underconfident", "low")
    scaling = model.temperature
    after = scaling["expected_calibration_error_after"]
    remedy = f"Temperature scaling (T = {scaling['temperature']:.2f}) would reduce this to {percent(after)}."
    if after >= min(error, scaling["expected_calibration_error_before"]):
        remedy = "Temperature scaling would not help."
    return (
        f"The model is {direction}: its stated probabilities are {percent(error)} off on average (ECE), mostly too "
        f"{side}. {remedy}"
    )


def _detection(model: Evaluation) -> str:
    if not model.separation:
        return ""
    best = max(model.separation, key=lambda score: model.separation[score]["auroc"].estimate)
    auroc = model.separation[best]["auroc"].estimate
    text = f"The best score, {SCORES[best].title}, detects out-of-domain cases with an AUROC of {auroc:.3f}."
    if auroc < 0.6:
        text = f"No score detects the out-of-domain cases: the best AUROC is {auroc:.3f}."
    if model.deferred_out_of_domain is not None:
        text += f" The policy defers {percent(model.deferred_out_of_domain['deferral_rate'])} of them."
    return text


def _deferral(model: Evaluation) -> str:
    outcome = model.policies.outcome
    if outcome is None:
        return f"There is no policy: {model.policies.refusal}."
    if not outcome["deferral_rate"]:
        return "The policy defers none of the cases."
    text = f"The policy defers {percent(outcome['deferral_rate'])} of the cases."
    if outcome["accuracy_answered"] is not None:
        text += f" Its answers to the others have an accuracy of {percent(outcome['accuracy_answered'])}."
    if "joint_accuracy" not in outcome:
        return (
            f"{text} It catches {percent(outcome['mistakes_caught'])} of the mistakes. An expert helps who has an "
            f"accuracy above {percent(outcome['accuracy_deferred'])} on the deferred cases."
        )
    machine, expert, joint = (outcome[key] for key in ("machine_accuracy", "expert_accuracy", "joint_accuracy"))
    alone = "the machine's least costly answers" if "costs" in outcome else "the machine"
    text += (
        f" With the expert the accuracy on all cases is {percent(joint)}, against {percent(machine)} for {alone} alone"
    )
    text += f" and {percent(expert)} for the expert alone"
    if "costs" in outcome:
        costs = outcome["costs"]
        text += f"; a case costs {costs['joint']:.4g}, against {costs['machine']:.4g} and {costs['expert']:.4g}"
    return text + "."
