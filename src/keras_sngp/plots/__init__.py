"""Pictures with matplotlib: every function takes Axes to draw on and returns them."""

from keras_sngp.plots.joint_accuracy import plot_joint_accuracy as plot_joint_accuracy
from keras_sngp.plots.reliability import plot_reliability as plot_reliability
from keras_sngp.plots.score_histograms import plot_score_histograms as plot_score_histograms
from keras_sngp.plots.selective import plot_accuracy_rejection as plot_accuracy_rejection
from keras_sngp.plots.selective import plot_risk_coverage as plot_risk_coverage
from keras_sngp.plots.surfaces import PROBABILITY_COLORS as PROBABILITY_COLORS
from keras_sngp.plots.surfaces import plot_points as plot_points
from keras_sngp.plots.surfaces import plot_surface as plot_surface
