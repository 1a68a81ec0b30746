"""When to hand a case to an expert, from plain arrays of any framework."""

from keras_sngp.deferral.costs import DecisionCosts as DecisionCosts
from keras_sngp.deferral.decisions import Decisions as Decisions
from keras_sngp.deferral.drift import DeferralDriftWarning as DeferralDriftWarning
from keras_sngp.deferral.experts import Expert as Expert
from keras_sngp.deferral.joint_accuracy import JointAccuracyCurve as JointAccuracyCurve
from keras_sngp.deferral.joint_accuracy import joint_accuracy as joint_accuracy
from keras_sngp.deferral.joint_accuracy import joint_accuracy_curve as joint_accuracy_curve
from keras_sngp.deferral.policy import DeferralPolicy as DeferralPolicy
from keras_sngp.deferral.policy import NoSuchPolicyError as NoSuchPolicyError
from keras_sngp.deferral.uncertainty import SCORES as SCORES
from keras_sngp.deferral.uncertainty import uncertainty_of as uncertainty_of
