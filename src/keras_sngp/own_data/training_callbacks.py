"""What happens after each epoch of a training: the best weights are kept, progress is shown, and it may stop."""

import json
from collections.abc import Callable
from pathlib import Path

import keras

from keras_sngp._runtime.files import atomic_write


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the least validation loss, and stops when it has not fallen for some epochs.

    Args:
        folder: Where the weights are kept; what is there from a training that was stopped still counts.
        patience: Epochs without a smaller loss after which to stop.
    """

    def __init__(self, folder: Path, patience: int) -> None:
        super().__init__()
        self.weights_file = folder / "best.weights.h5"
        self.record_file = folder / "best.json"
        self.patience = patience
        record = json.loads(self.record_file.read_text()) if self.record_file.exists() else {}
        self.best_loss: float = record.get("loss", float("inf"))
        self.best_epoch: int = record.get("epoch", -1)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        loss = (logs or {})["val_loss"]
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            with atomic_write(self.weights_file) as temporary:
                self.model.save_weights(temporary)
            with atomic_write(self.record_file) as temporary:
                temporary.write_text(json.dumps({"loss": loss, "epoch": epoch}))
        elif epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def load_into(self, model: keras.Model) -> None:
        """Gives a model of the same structure the best weights.

        Raises:
            ValueError: no epoch had a finite loss.
        """
        if self.best_epoch < 0:
            raise ValueError(
                "Expected at least one finished epoch with a finite validation loss. Received: none; "
                "go on with the training, or try a smaller learning rate"
            )
        model.load_weights(self.weights_file)


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
