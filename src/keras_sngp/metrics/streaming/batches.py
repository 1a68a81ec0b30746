"""A batch as metrics receive it: outputs and labels in any of the shapes Keras allows."""

from keras import ops


def batch_probabilities(outputs, from_logits: bool):
    """Probabilities `(batch, classes)` in float32; a single column becomes two classes."""
    outputs = ops.cast(outputs, "float32")
    if len(outputs.shape) == 1:
        outputs = ops.expand_dims(outputs, -1)
    if outputs.shape[-1] == 1:
        positive = ops.sigmoid(outputs) if from_logits else outputs
        return ops.concatenate([1 - positive, positive], axis=-1)
    return ops.softmax(outputs, axis=-1) if from_logits else outputs


def batch_labels(labels, num_classes: int):
    """Class numbers `(batch,)` from class numbers `(batch,)` or `(batch, 1)`, or one-hot rows."""
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) == 2 and labels.shape[-1] == num_classes and num_classes > 1:
        return ops.argmax(labels, axis=-1)
    return ops.cast(ops.reshape(labels, (-1,)), "int32")


def batch_weights(sample_weight, like):
    """Weights `(batch,)` in float32, ones if there are none."""
    if sample_weight is None:
        return ops.ones_like(like, dtype="float32")
    return ops.cast(ops.reshape(ops.convert_to_tensor(sample_weight), (-1,)), "float32")
