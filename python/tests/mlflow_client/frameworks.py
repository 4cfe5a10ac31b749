"""Frameworks that log to MLflow by themselves, and a dump of what the server has then.

Run by an interpreter with one of MLflow's clients and the frameworks:
`frameworks.py TRACKING_URI...`. Does the same on each server in turn and prints one JSON
document for each.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import sys
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import mlflow
import numpy
import torch
from dumping import dump
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

if torch.__version__.startswith("1.13") and sys.version_info >= (3, 11):
    # That release's sharding does not import on Python 3.11; it is not used here.
    torch.distributed.is_available = lambda: False

EXPERIMENT = "frameworks"
HISTORY_TAG = "mlflow.log-model.history"
MADE = ("run_id", "utc_time_created", "model_uuid")
INVENTED_NAME = re.compile(r"[a-z]+-[a-z]+-[0-9]+")
# What a clock decides: other each time, on any server.
TIMED = re.compile(r".*_(runtime|per_second|fit_time|score_time)|datetime_(start|complete)")


def data() -> tuple[Any, Any]:
    """Features of unit scale, and labels: float32 (200, 8) and int (200,)."""
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:200, :8]
    return ((x - x.mean(0)) / x.std(0)).astype("float32"), y[:200]


def train_sklearn(x: Any, y: Any) -> None:
    mlflow.sklearn.autolog(max_tuning_runs=2)
    with mlflow.start_run(run_name="search"):
        search = GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0]}, cv=3)
        search.fit(x, y)
    mlflow.sklearn.autolog(disable=True)


def train_xgboost(x: Any, y: Any) -> None:
    xgboost = importlib.import_module("xgboost")
    mlflow.xgboost.autolog(importance_types=["gain"])
    with mlflow.start_run(run_name="booster"):
        table = xgboost.DMatrix(x, label=y)
        params = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
        xgboost.train(params, table, 4, evals=[(table, "train")], verbose_eval=False)
    mlflow.xgboost.autolog(disable=True)


def train_lightgbm(x: Any, y: Any) -> None:
    lightgbm = importlib.import_module("lightgbm")
    mlflow.lightgbm.autolog()
    with mlflow.start_run(run_name="leaves"):
        params = {"objective": "binary", "num_threads": 1, "verbosity": -1, "deterministic": True}
        table = lightgbm.Dataset(x, label=y)
        lightgbm.train(params, table, 4, valid_sets=[table], valid_names=["train"])
    mlflow.lightgbm.autolog(disable=True)


def train_keras(x: Any, y: Any) -> None:
    keras = importlib.import_module("keras")
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy"])
    importlib.import_module("mlflow.keras").autolog()
    with mlflow.start_run(run_name="dense"):
        model.fit(x, y, epochs=2, batch_size=50, verbose=0)
    mlflow.keras.autolog(disable=True)


def train_lightning(x: Any, y: Any) -> None:
    pl = importlib.import_module("pytorch_lightning")
    loggers = importlib.import_module("pytorch_lightning.loggers")

    class Model(pl.LightningModule):  # type: ignore[name-defined,misc]
        def __init__(self, rate: float = 0.125) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(8, 2)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train/loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)

    torch.manual_seed(0)
    tensors = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    logger = loggers.MLFlowLogger(
        experiment_name=EXPERIMENT, run_name="lightning", tracking_uri=mlflow.get_tracking_uri()
    )
    trainer = pl.Trainer(
        max_epochs=2,
        logger=logger,
        log_every_n_steps=1,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(Model(), torch.utils.data.DataLoader(tensors, batch_size=50))


def train_transformers(x: Any, y: Any) -> None:
    transformers = importlib.import_module("transformers")
    transformers.set_seed(0)
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=8,
    )  # fmt: skip
    rows = [
        {"input_ids": torch.arange(4) + at % 5, "labels": torch.tensor(int(y[at]))}
        for at in range(16)
    ]
    arguments = transformers.TrainingArguments(
        output_dir="out", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=2,
        save_strategy="no", report_to="mlflow", run_name="bert", disable_tqdm=True, no_cuda=True,
        logging_dir="logs",
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=transformers.BertForSequenceClassification(config),
        args=arguments,
        train_dataset=rows,
        eval_dataset=rows,
    )
    trainer.train()
    trainer.evaluate()
    mlflow.end_run()


def evaluate(x: Any, y: Any) -> None:
    """MLflow's own evaluation of predictions that are there."""
    pandas = importlib.import_module("pandas")
    predicted = LogisticRegression(max_iter=300).fit(x, y).predict(x)
    table = pandas.DataFrame({"truth": y.astype(float), "said": predicted.astype(float)})
    with mlflow.start_run(run_name="evaluated"):
        mlflow.models.evaluate(
            data=table, targets="truth", predictions="said", model_type="regressor"
        )


def tune_optuna(x: Any, y: Any) -> None:
    optuna = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    integration = importlib.import_module("optuna_integration.mlflow")
    callback = integration.MLflowCallback(
        tracking_uri=mlflow.get_tracking_uri(), metric_name="accuracy", create_experiment=False
    )

    def objective(trial: Any) -> float:
        strength = trial.suggest_float("C", 0.01, 10, log=True)
        return float(LogisticRegression(C=strength, max_iter=300).fit(x, y).score(x, y))

    study = optuna.create_study(
        study_name=EXPERIMENT, direction="maximize", sampler=optuna.samplers.TPESampler(seed=0)
    )
    study.optimize(objective, n_trials=3, callbacks=[callback])


def settled(experiments: list[Any]) -> list[Any]:
    """The dump without what a clock or a random name decides."""
    for experiment in experiments:
        for run in experiment["runs"]:
            if INVENTED_NAME.fullmatch(run["name"]):
                assert run["tags"].pop("mlflow.runName") == run["name"]
                run["name"] = "invented"
            for part in ("metrics", "histories", "tags"):
                run[part] = {
                    key: "timed" if TIMED.fullmatch(key) else value
                    for key, value in run[part].items()
                }
            # What clients before 3.0 say of the models they logged; the files are compared, too.
            if (history := run["tags"].get(HISTORY_TAG)) is not None:
                run["tags"][HISTORY_TAG] = [
                    {key: value for key, value in model.items() if key not in MADE}
                    for model in json.loads(history)
                ]
            # It has the times in it, which are not written with a fixed width.
            if "cv_results.csv" in run["files"]:
                run["files"]["cv_results.csv"] = "timed"
        experiment["runs"].sort(key=lambda run: (run["name"], sorted(run["params"].items())))
    return experiments


def has_whole_mlflow() -> bool:
    """Lightning's logger refuses mlflow-skinny: it looks for the distribution by name."""
    try:
        importlib.metadata.version("mlflow")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


PARTS = (
    train_sklearn,
    train_xgboost,
    train_lightgbm,
    train_keras,
    train_lightning,
    train_transformers,
    evaluate,
    tune_optuna,
)


def main() -> None:
    """Do everything on each server and say what each has then."""
    for uri in sys.argv[1:]:
        numpy.random.seed(0)
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(EXPERIMENT)
        x, y = data()
        for part in PARTS:
            if part is not train_lightning or has_whole_mlflow():
                part(x, y)
        print("\nDUMP " + json.dumps(settled(dump(MlflowClient())), sort_keys=True))


if __name__ == "__main__":
    main()
