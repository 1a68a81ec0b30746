"""What people see of a training, and how they stop it."""

from collections.abc import Callable

import keras


class TrainingProgress(keras.callbacks.Callback):
    """Tells of each epoch, and ends the training when asked to.

    Args:
        show: Called with the number of epochs done and the validation loss.
    """

    def __init__(self, show: Callable[[int, float], None]) -> None:
        super().__init__()
        self.show = show
        self.stopped = False

    def stop(self) -> None:
        """Ends the training after the batch that is running."""
        self.stopped = True

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.stopped:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.show(epoch + 1, (logs or {})["val_loss"])
