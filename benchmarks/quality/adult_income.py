"""Adult census income, with groups of people held out: python -m benchmarks.quality.adult_income --data-dir FOLDER"""

from functools import partial

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benchmarks.data import adult
from benchmarks.quality.run_study import arguments, run
from benchmarks.quality.study import Settings, Study, make_head

WIDTH = 128
NUMBERS = ["age", "fnlwgt", "education_num", "hours_per_week"]
AMOUNTS = ["capital_gain", "capital_loss"]
WORDS = ["workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]
ASIAN_COUNTRIES = ["Cambodia", "China", "Hong", "India", "Iran", "Japan", "Laos"]
ASIAN_COUNTRIES += ["Philippines", "Taiwan", "Thailand", "Vietnam"]
SETTINGS = Settings(epochs=10, learning_rate=1e-3, residual_blocks=2, batch_size=256)


def groups_of(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each group that is held out, and all others as `rest`."""
    masks = {
        "Asian countries": table["native_country"].isin(ASIAN_COUNTRIES),
        "farming and fishing": table["occupation"].eq("Farming-fishing"),
        "protective services": table["occupation"].eq("Protective-serv"),
    }
    rest = ~np.logical_or.reduce(list(masks.values()))
    return {name: table[mask] for name, mask in {**masks, "rest": rest}.items()}


def make_encoder():
    """Standardised numbers, gains and losses as logarithms, beside one-hot words; a missing word is one of its own."""
    return make_column_transformer(
        (StandardScaler(), NUMBERS),
        (make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), AMOUNTS),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), WORDS),
    )


def make_study(data: adult.Adult) -> Study:
    train, test = (groups_of(table.to_pandas().fillna("")) for table in (data.train, data.test))
    fitted, kept = train_test_split(train["rest"], test_size=0.1, random_state=0)
    encoder = make_encoder().fit(fitted)

    def encode(table: pd.DataFrame) -> np.ndarray:
        return encoder.transform(table).astype("float32")

    def labelled(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return encode(table), table[adult.LABEL].eq(adult.LABELS[1]).to_numpy("int64")

    return Study(
        name="adult",
        title="Adult census income",
        seeds=3,
        make_classifier=partial(make_head, encode(fitted[:1]).shape[1], 2, WIDTH),
        training=labelled(fitted),
        validation=labelled(kept),
        test=labelled(test["rest"]),
        out_of_domain={name: encode(test[name]) for name in ("Asian countries", "farming and fishing")},
        out_of_domain_validation=encode(train["protective services"]),
    )


if __name__ == "__main__":
    chosen = arguments(__doc__)
    run(make_study(adult.load(chosen.data_dir)), SETTINGS, chosen)
