"""When to defer a case to an expert, from plain arrays of any framework."""

from keras_sngp.deferral.costs import DecisionCosts
from keras_sngp.deferral.decisions import Decisions
from keras_sngp.deferral.drift import DeferralDriftWarning
from keras_sngp.deferral.experts import Expert
from keras_sngp.deferral.policy import DeferralPolicy, NoSuchPolicyError
from keras_sngp.metrics.joint_accuracy import JointAccuracyCurve, joint_accuracy, joint_accuracy_curve
from keras_sngp.metrics.scores import OF_PREDICTIONS as SCORES
from keras_sngp.metrics.scores import uncertainty_of

__all__ = [
    "SCORES",
    "DecisionCosts",
    "Decisions",
    "DeferralDriftWarning",
    "DeferralPolicy",
    "Expert",
    "JointAccuracyCurve",
    "NoSuchPolicyError",
    "joint_accuracy",
    "joint_accuracy_curve",
    "uncertainty_of",
]
