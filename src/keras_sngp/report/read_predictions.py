"""Predictions from a file, by its ending."""

from pathlib import Path

from keras_sngp.report.prediction_table import ColumnWishes, PredictionTable

ENDINGS = (".csv", ".parquet", ".npz")


def read_predictions(path: str | Path, wishes: ColumnWishes | None = None) -> PredictionTable:
    """Reads a CSV, Parquet or NPZ file of predictions, one row a case.

    Large files are read block by block into one array. What the columns hold is found by their names:

    | | names |
    |---|---|
    | probabilities | `prob_cat`, `prob_dog`, ...; also `p_`, `proba_`, `probability_`; or one column `prob` of lists |
    | logits | `logit_cat`, ...; or one column `logits` of lists |
    | labels | `label`, `y`, `target`, ...: names of classes, or numbers from 0 |
    | more | `variance`, `uncertainty` |

    A single column of probabilities is that of the second of two classes. In an NPZ file the same names stand for
    arrays, and `class_names` may name the classes.

    Args:
        path: The file.
        wishes: Columns to use instead.

    Raises:
        ValueError: the file or a row of it is not as it should be; rows are counted from 0.

    Example:

    >>> path = folder / "predictions.csv"
    >>> _ = path.write_text("prob_cat,prob_dog,label\\n0.9,0.1,cat\\n0.3,0.7,dog\\n")
    >>> table = read_predictions(path)
    >>> table.class_names, table.labels.tolist()
    (['cat', 'dog'], [0, 1])
    """
    path, wishes = Path(path), wishes or ColumnWishes()
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"Expected a file ending in {', '.join(ENDINGS)}. Received: {path}")
    if not path.is_file():
        raise ValueError(f"Expected a file. Received: {path}, which {'is a folder' if path.exists() else 'is missing'}")
    try:
        if ending == ".npz":
            from keras_sngp.report.npz_files import read_npz

            return read_npz(path, path.stem, wishes)
        from keras_sngp.report.arrow_files import read_csv, read_parquet

        return (read_csv if ending == ".csv" else read_parquet)(path, path.stem, wishes)
    except ValueError as error:
        counted = " (rows are counted from 0, without the header)" if " in row " in str(error) else ""
        raise ValueError(f"{path}: {error}{counted}") from error
