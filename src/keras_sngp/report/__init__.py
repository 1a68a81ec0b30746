"""From a file of predictions of any framework to figures, tables, pictures and a page.

>>> from keras_sngp import report
>>> path = folder / "network.csv"
>>> _ = path.write_text("prob_cat,prob_dog,label\\n" + "0.9,0.1,cat\\n0.3,0.7,dog\\n0.6,0.4,dog\\n" * 20)
>>> evaluation = report.evaluate(report.read_predictions(path), None, report.PolicyRequest(budget=0.1), None)
>>> round(evaluation.measures["accuracy"].estimate, 3)
0.667
"""

from typing import TYPE_CHECKING, Any

from keras_sngp.report.column_names import ColumnNames
from keras_sngp.report.evaluation import Evaluation, evaluate
from keras_sngp.report.policies import PolicyRequest
from keras_sngp.report.prediction_table import PredictionTable
from keras_sngp.report.read_predictions import read_predictions

if TYPE_CHECKING:
    from keras_sngp.report.evaluation_report import write_report

__all__ = [
    "ColumnNames",
    "Evaluation",
    "PolicyRequest",
    "PredictionTable",
    "evaluate",
    "read_predictions",
    "write_report",
]


def __getattr__(name: str) -> Any:
    # Matplotlib is imported when something is drawn.
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_sngp.report.evaluation_report import write_report

    return write_report
