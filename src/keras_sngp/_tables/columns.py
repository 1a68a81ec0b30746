"""The vocabulary of columns: what a column holds is told by its name, in every file that is read or written.

| name | holds |
|---|---|
| `label` | the ground truth, and nothing else |
| `answer` | the class that the machine answers, as `keras-sngp predict` writes it |
| `prob_CLASS`, `logit_CLASS` | the probability or logit of each class |
| `variance`, `uncertainty` | the posterior variance, and the uncertainty that decided |
| `decision`, `reason` | `answer` or `defer`, and why |
"""

LABEL = "label"
ANSWER = "answer"
DECISION = "decision"
REASON = "reason"
VARIANCE = "variance"
UNCERTAINTY = "uncertainty"
PROBABILITY = "prob_"
DEFER = "defer"

# Other spellings that files of predictions may use.
LABELS = (LABEL, "labels", "y", "y_true", "target", "class", "true_label")
VARIANCES = (VARIANCE, "variances")
UNCERTAINTIES = (UNCERTAINTY,)
PROBABILITIES = ("probabilities", "probability", "proba", "probs", "prob", "p", "softmax")
LOGITS = ("logits", "logit")
