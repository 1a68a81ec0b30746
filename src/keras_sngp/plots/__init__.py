"""Pictures with matplotlib: every function takes Axes to draw on and returns them."""

from keras_sngp.plots.joint_accuracy import plot_joint_accuracy
from keras_sngp.plots.reliability import plot_reliability
from keras_sngp.plots.score_histograms import plot_score_histograms
from keras_sngp.plots.selective import plot_accuracy_rejection, plot_risk_coverage
from keras_sngp.plots.surfaces import PROBABILITY_COLORS, plot_points, plot_surface

__all__ = [
    "PROBABILITY_COLORS",
    "plot_accuracy_rejection",
    "plot_joint_accuracy",
    "plot_points",
    "plot_reliability",
    "plot_risk_coverage",
    "plot_score_histograms",
    "plot_surface",
]
