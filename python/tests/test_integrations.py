"""Each integration with the real library; those that are not installed are skipped.

The gate runs this file a second time in target/venv-integrations, where all of them
are and MLHUB_TEST_INTEGRATIONS=all lets none be skipped.
"""

from __future__ import annotations

import copy
import importlib
import os
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reader import Events, read_run

import mlhub

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def library(name: str) -> Any:
    """The module, or a skipped test."""
    if os.environ.get("MLHUB_TEST_INTEGRATIONS") == "all":
        return importlib.import_module(name)
    return pytest.importorskip(name)


def ended(run: mlhub.Run) -> Events:
    run.finish()
    assert run.path is not None
    return read_run(run.path)


def only(folder: Path) -> Events:
    (file,) = folder.glob("*/1/sdk.json")
    return read_run(file.parent)


@pytest.fixture
def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(120, 4)).astype("float32")
    return features, (features[:, 0] + features[:, 1] > 0).astype("int64")


# --- scikit-learn -----------------------------------------------------------


def test_sklearn_fit_and_score(tmp_path: Path, data: tuple[Any, Any]) -> None:
    linear = library("sklearn.linear_model")
    run = mlhub.init(dir=tmp_path, strict=True)
    model = mlhub.sklearn.track(linear.LogisticRegression(C=0.5), score_train=True)
    assert model.fit(*data) is model
    score = model.score(*data)
    events = ended(run)
    params = events.joined("params")
    assert (params["estimator_class"], params["C"]) == ("LogisticRegression", 0.5)
    assert events.series("score") == [(0, score)]
    assert events.series("train/score") == [(0, score)]
    assert events.series("fit_seconds")[0][1] > 0
    (entry,) = [line["entry"] for line in events.lines if "entry" in line]
    assert entry["fit"]["items"]["X"]["shape"] == [120, 4]


def test_sklearn_search_and_pipeline(tmp_path: Path, data: tuple[Any, Any]) -> None:
    selection = library("sklearn.model_selection")
    pipeline = library("sklearn.pipeline").make_pipeline(
        library("sklearn.preprocessing").StandardScaler(),
        library("sklearn.tree").DecisionTreeClassifier(random_state=0),
    )
    run = mlhub.init(dir=tmp_path, strict=True)
    grid = {"decisiontreeclassifier__max_depth": [1, 2, 3]}
    search = mlhub.sklearn.track(selection.GridSearchCV(pipeline, grid, cv=3))
    search.fit(*data)
    events = ended(run)
    scores = [value for _, value in events.series("cv/mean_test_score")]
    assert scores == pytest.approx(list(search.cv_results_["mean_test_score"]))
    assert run.summary["best_score"] == pytest.approx(search.best_score_)
    depth = search.best_params_["decisiontreeclassifier__max_depth"]
    assert run.summary["best_params.decisiontreeclassifier__max_depth"] == depth
    (table,) = events.records("media")
    assert table["rows"] == 3
    assert events.joined("params")["estimator.decisiontreeclassifier.class"] == (
        "DecisionTreeClassifier"
    )


def test_sklearn_clones_and_starts_a_run(
    tmp_path: Path, data: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = library("sklearn.base")
    monkeypatch.setenv("MLHUB_DIR", str(tmp_path / "runs"))
    model = mlhub.sklearn.track(library("sklearn.linear_model").Ridge(), project="p")
    base.clone(model).fit(*data)
    assert not (tmp_path / "runs").exists(), "a clone is plain again"
    model.fit(*data)
    mlhub.finish()
    assert only(tmp_path / "runs").file("sdk.json")["run"]["project"] == "p"
    with pytest.raises(TypeError, match="estimator with fit"):
        mlhub.sklearn.track(object())


def test_sklearn_copies_are_plain(tmp_path: Path, data: tuple[Any, Any]) -> None:
    linear = library("sklearn.linear_model")
    joblib = library("joblib")
    run = mlhub.init(dir=tmp_path, strict=True)
    model = mlhub.sklearn.track(mlhub.sklearn.track(linear.LogisticRegression()))
    model.fit(*data)
    joblib.dump(model, tmp_path / "model.joblib")
    copies = [
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model.joblib"),
        copy.deepcopy(model),
        copy.copy(model),
        copy.deepcopy(library("sklearn.pipeline").make_pipeline(model)).steps[0][1],
    ]
    fitted = model.coef_.copy()
    for other in copies:
        assert not {"fit", "score", "__getstate__"} & vars(other).keys()
        assert (other.coef_ == fitted).all()
        other.fit(data[0], 1 - data[1])
        assert (other.coef_ != fitted).any()
        assert (model.coef_ == fitted).all(), "the original is not trained"
    assert "fit" in vars(model), "the original is tracked"
    assert len(ended(run).series("fit_seconds")) == 2


# --- boosting ---------------------------------------------------------------


def test_xgboost(tmp_path: Path, data: tuple[Any, Any]) -> None:
    xgboost = library("xgboost")
    from mlhub.integrations.xgboost import MlhubCallback

    run = mlhub.init(dir=tmp_path, strict=True)
    matrix = xgboost.DMatrix(*data)
    told: dict[str, Any] = {}
    params = {"objective": "binary:logistic", "eval_metric": "logloss", "max_depth": 2}
    xgboost.train(
        params,
        matrix,
        num_boost_round=5,
        evals=[(matrix, "train")],
        evals_result=told,
        callbacks=[MlhubCallback(importance="gain")],
        verbose_eval=False,
    )
    assert not run.ended
    events = ended(run)
    assert events.series("train/logloss") == [
        (step, pytest.approx(value)) for step, value in enumerate(told["train"]["logloss"])
    ]
    assert events.joined("params")["xgboost.objective"] == "binary:logistic"
    (table,) = events.records("media")
    assert table["name"] == "importance"
    with pytest.raises(ValueError, match="importance must be one of"):
        MlhubCallback(importance="magic")


def test_xgboost_estimator_and_cross_validation(tmp_path: Path, data: tuple[Any, Any]) -> None:
    xgboost = library("xgboost")
    from mlhub.integrations.xgboost import MlhubCallback

    run = mlhub.init(dir=tmp_path, strict=True)
    model = xgboost.XGBClassifier(
        n_estimators=30, early_stopping_rounds=2, callbacks=[MlhubCallback()]
    )
    model.fit(*data, eval_set=[data], verbose=False)
    assert run.summary["best_iteration"] == model.best_iteration
    assert len(read_run(run.path or Path()).series("validation_0/logloss")) > 1
    second = mlhub.init(dir=tmp_path, strict=True)
    xgboost.cv({"max_depth": 2}, xgboost.DMatrix(*data), 3, nfold=2, callbacks=[MlhubCallback()])
    events = ended(second)
    assert len(events.series("test/rmse")) == len(events.series("test/rmse_std")) == 3


def test_lightgbm(tmp_path: Path, data: tuple[Any, Any]) -> None:
    lightgbm = library("lightgbm")
    from mlhub.integrations.lightgbm import mlhub_callback

    run = mlhub.init(dir=tmp_path, strict=True)
    dataset = lightgbm.Dataset(*data)
    told: dict[str, Any] = {}
    lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_leaves": 4},
        dataset,
        num_boost_round=5,
        valid_sets=[dataset],
        valid_names=["train"],
        callbacks=[mlhub_callback(), lightgbm.record_evaluation(told)],
    )
    events = ended(run)
    assert events.series("train/binary_logloss") == list(enumerate(told["train"]["binary_logloss"]))
    assert events.joined("params")["lightgbm.num_leaves"] == 4


def test_lightgbm_cross_validation_and_early_stopping(
    tmp_path: Path, data: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lightgbm = library("lightgbm")
    from mlhub.integrations.lightgbm import mlhub_callback

    run = mlhub.init(dir=tmp_path, strict=True)
    params = {"objective": "binary", "verbosity": -1}
    lightgbm.cv(params, lightgbm.Dataset(*data), 3, nfold=2, callbacks=[mlhub_callback()])
    events = ended(run)
    names = {name for name, _, _ in events.points}
    assert any(name.endswith("binary_logloss") for name in names)
    assert any(name.endswith("_std") for name in names)
    monkeypatch.setenv("MLHUB_DIR", str(tmp_path / "own"))
    model = lightgbm.LGBMClassifier(n_estimators=4, verbosity=-1)
    model.fit(*data, eval_set=[data], callbacks=[mlhub_callback(project="p")])
    assert only(tmp_path / "own").file("exit.json")["code"] == 0


# --- Optuna -----------------------------------------------------------------


def test_optuna_in_one_run(tmp_path: Path) -> None:
    optuna = library("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    from mlhub.integrations.optuna import MlhubCallback

    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", -1, 1)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        if trial.number == 2:
            raise optuna.TrialPruned
        return x * x + (kind == "b")

    run = mlhub.init(dir=tmp_path, strict=True)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=5, callbacks=[MlhubCallback(metric_names=["loss"])])
    events = ended(run)
    assert events.series("loss") == [
        (trial.number, trial.value) for trial in study.trials if trial.value is not None
    ]
    assert [step for step, _ in events.series("params/x")] == [0, 1, 2, 3, 4]
    assert events.series("best/loss")[-1] == (4, study.best_value)
    assert run.summary["loss"] == study.best_value
    assert len(events.records("text")) == 5


def test_optuna_with_a_run_per_trial(tmp_path: Path) -> None:
    optuna = library("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    from mlhub.integrations.optuna import MlhubCallback

    def objective(trial: Any) -> float:
        x = float(trial.suggest_float("x", 0, 1))
        for step in range(3):
            trial.report(x + step, step)
        if trial.number == 1:
            raise ValueError("this trial fails")
        return x

    study = optuna.create_study(study_name="search")
    callback = MlhubCallback(run_per_trial=True, project="p", dir=str(tmp_path))
    study.optimize(objective, n_trials=3, callbacks=[callback], catch=(ValueError,))
    runs = {
        run.file("sdk.json")["tags"]["optuna/trial"]: run
        for run in (read_run(file.parent) for file in tmp_path.glob("*/1/sdk.json"))
    }
    assert sorted(runs) == ["0", "1", "2"]
    first = runs["0"]
    assert first.file("sdk.json")["run"]["group"] == "search"
    assert first.file("sdk.json")["params"]["x"] == study.trials[0].params["x"]
    assert len(first.series("intermediate")) == 3
    assert first.series("value") == [(2, study.trials[0].value)]
    assert [runs[number].file("exit.json")["code"] for number in "012"] == [0, 1, 0]


# --- Keras ------------------------------------------------------------------


def test_keras(tmp_path: Path, data: tuple[Any, Any]) -> None:
    keras = library("keras")
    from mlhub.integrations.keras import MlhubCallback

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.SGD(0.125), loss="binary_crossentropy")
    run = mlhub.init(dir=tmp_path, strict=True)
    history = model.fit(
        *data,
        epochs=3,
        batch_size=40,
        validation_split=0.5,
        verbose=0,
        callbacks=[MlhubCallback(log_every_batches=1)],
    )
    assert not run.ended
    events = ended(run)
    assert events.series("train/loss") == list(enumerate(history.history["loss"]))
    assert events.series("val/loss") == list(enumerate(history.history["val_loss"]))
    assert events.series("train/learning_rate")[0] == (0, pytest.approx(0.125))
    assert len(events.series("batch/loss")) == 6
    params = events.joined("params")
    assert params["keras.optimizer.name"].lower() == "sgd"
    assert params["keras.optimizer.learning_rate"] == pytest.approx(0.125)
    assert run.summary["parameters"] == 5


# --- PyTorch ----------------------------------------------------------------


def lightning() -> Any:
    """Lightning under the name that is installed."""
    torch = library("torch")
    try:
        return importlib.import_module("lightning.pytorch")
    except ImportError:
        pass
    if torch.__version__.startswith("1.13") and sys.version_info >= (3, 11):
        # That release's sharding does not import on Python 3.11; it is not used here.
        torch.distributed.is_available = lambda: False
    return library("pytorch_lightning")


def test_lightning(tmp_path: Path, data: tuple[Any, Any]) -> None:
    pl = lightning()
    torch = library("torch")
    from mlhub.integrations.lightning import MlhubLogger

    class Model(pl.LightningModule):  # type: ignore[name-defined,misc]
        def __init__(self, rate: float = 0.125) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(4, 2)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train/loss", loss)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("val/loss", loss)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)

    tensors = torch.utils.data.TensorDataset(torch.tensor(data[0]), torch.tensor(data[1]))
    loader = torch.utils.data.DataLoader(tensors, batch_size=40)
    logger = MlhubLogger(
        dir=str(tmp_path / "runs"), project="p", log_model=True, strict=True, console="off"
    )
    callbacks = importlib.import_module(f"{pl.__name__}.callbacks")
    trainer = pl.Trainer(
        max_epochs=2,
        logger=logger,
        log_every_n_steps=1,
        default_root_dir=str(tmp_path),
        callbacks=[callbacks.ModelCheckpoint(dirpath=str(tmp_path / "kept"), monitor="val/loss")],
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        devices=1,
    )
    trainer.fit(Model(), loader, loader)
    events = only(tmp_path / "runs")
    assert [step for step, _ in events.series("train/loss")] == list(range(6))
    assert len(events.series("val/loss")) == 2
    assert events.joined("params")["rate"] == 0.125
    assert events.file("exit.json")["code"] == 0, "a run that was started here ends here"
    assert any(path.suffix == ".ckpt" for path in (events.path / "artifacts").rglob("*"))


def test_transformers(tmp_path: Path, data: tuple[Any, Any]) -> None:
    transformers = library("transformers")
    torch = library("torch")
    from mlhub.integrations.transformers import MlhubCallback

    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=8,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    rows = [
        {"input_ids": torch.arange(4) + at % 5, "labels": torch.tensor(at % 2)} for at in range(16)
    ]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"),
        num_train_epochs=2,
        per_device_train_batch_size=4,
        logging_steps=2,
        save_strategy="epoch",
        report_to="none",
        disable_tqdm=True,
        **({"use_cpu": True} if int(transformers.__version__[0]) >= 5 else {"no_cuda": True}),
    )
    run = mlhub.init(dir=tmp_path / "runs", strict=True)
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        eval_dataset=rows,
        callbacks=[MlhubCallback(log_checkpoints=True)],
    )
    trainer.train()
    trainer.evaluate()
    assert not run.ended
    events = ended(run)
    assert [step for step, _ in events.series("train/loss")] == [2, 4, 6, 8]
    assert len(events.series("eval/loss")) == 1
    params = events.joined("params")
    assert params["trainer.num_train_epochs"] == 2
    assert params["model.hidden_size"] == 8
    assert [line["checkpoint"]["step"] for line in events.lines if "checkpoint" in line] == [4, 8]


def test_transformers_evaluates_in_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the Trainer's calls alone, so that it is tested without the library too."""
    stub = types.SimpleNamespace(TrainerCallback=object)
    monkeypatch.setitem(sys.modules, "transformers", stub)
    monkeypatch.delitem(sys.modules, "mlhub.integrations.transformers", raising=False)
    module = importlib.import_module("mlhub.integrations.transformers")
    monkeypatch.delitem(sys.modules, "mlhub.integrations.transformers")
    monkeypatch.setenv("MLHUB_DIR", str(tmp_path))
    args = types.SimpleNamespace(to_sanitized_dict=lambda: {"epochs": 1})
    state = types.SimpleNamespace(
        is_world_process_zero=True, global_step=4, max_steps=4, best_metric=0.5
    )
    callback = module.MlhubCallback(project="p", strict=True)
    callback.on_train_begin(args, state, None)
    callback.on_log(args, state, None, logs={"loss": 1.0})
    callback.on_train_end(args, state, None)
    callback.on_log(args, state, None, logs={"eval_loss": 0.25})
    mlhub.finish()
    events = only(tmp_path)
    assert events.series("train/loss") == [(4, 1.0)]
    assert events.series("eval/loss") == [(4, 0.25)]
    assert events.series("summary/best_metric") == [(4, 0.5)]


def test_torch_scalars_arrays_and_seeds(tmp_path: Path) -> None:
    torch = library("torch")
    from mlhub import _capture

    run = mlhub.init(dir=tmp_path, strict=True)
    mlhub.seed_everything(11)
    assert _capture.seeds()["torch"]["seed"] == 11
    loss = torch.tensor(0.25, requires_grad=True)
    run.log({"loss": loss, "count": torch.tensor([3])}, step=torch.tensor(2))
    run.log_histogram("weights", torch.randn(10, dtype=torch.bfloat16))
    run.log_image("image", torch.rand(3, 4, 5))
    facts = run.describe({"x": torch.randn(16, 2).requires_grad_()})
    assert facts["items"]["x"]["device"] == "cpu"
    assert facts["items"]["x"]["requires_grad"] is True
    assert "mean" in facts["items"]["x"]
    events = ended(run)
    assert events.series("loss") == [(2, 0.25)]
    assert events.series("count") == [(2, 3.0)]
    assert events.records("media")[0]["width"] == 5


def test_data_loader_workers_log_into_the_run(tmp_path: Path) -> None:
    torch = library("torch")

    class Rows(torch.utils.data.Dataset):  # type: ignore[name-defined,misc]
        def __len__(self) -> int:
            return 8

        def __getitem__(self, at: int) -> Any:
            mlhub.log({"loaded": at}, step=at)
            return torch.tensor(at)

    run = mlhub.init(dir=tmp_path, strict=True)
    loader = torch.utils.data.DataLoader(Rows(), num_workers=2, multiprocessing_context="fork")
    assert len(list(loader)) == 8
    events = ended(run)
    assert sorted(events.series("loaded")) == [(at, float(at)) for at in range(8)]
    assert len(events.writers) == 3


def test_jax(tmp_path: Path) -> None:
    library("jax")
    import jax.numpy as jnp  # type: ignore[import-not-found,unused-ignore]

    run = mlhub.init(dir=tmp_path, strict=True)
    run.log({"loss": jnp.float32(0.5)}, step=jnp.int32(3))
    run.log_histogram("h", jnp.arange(10.0))
    assert mlhub.describe(jnp.ones((16, 2)))["mean"] == 1.0
    events = ended(run)
    assert events.series("loss") == [(3, 0.5)]
    assert sum(events.records("histogram")[0]["counts"]) == 10


# --- config and data libraries ----------------------------------------------


def test_hydra_and_omegaconf(tmp_path: Path) -> None:
    omegaconf = library("omegaconf")
    hydra = library("hydra")
    from mlhub.integrations.hydra import config_of, init_from

    text = "lr: 0.5\nmodel:\n  layers: 2\n  width: ${mul:3}\n"
    omegaconf.OmegaConf.register_new_resolver("mul", lambda n: int(n) * 10, replace=True)
    composed = omegaconf.OmegaConf.create(text)
    assert config_of(composed) == {"lr": 0.5, "model": {"layers": 2, "width": 30}}
    with pytest.raises(TypeError, match="DictConfig"):
        config_of({"lr": 1})
    run = mlhub.init(dir=tmp_path, config=composed)
    assert run.config.model.width == 30
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("lr: 0.5\n")
    seen: list[str] = []

    def train(config: Any) -> None:
        own = init_from(config, dir=tmp_path / "hydra", tags=["extra"])
        seen.append(own.id)
        own.finish()

    wrapped = hydra.main(
        config_path=str(tmp_path / "conf"), config_name="config", version_base="1.3"
    )
    before, sys.argv = sys.argv, ["train", "lr=0.25", f"hydra.run.dir={tmp_path / 'out'}"]
    try:
        wrapped(train)()
    finally:
        sys.argv = before
    sdk = read_run(tmp_path / "hydra" / seen[0] / "1").file("sdk.json")
    assert sdk["params"] == {"lr": 0.25}
    assert sdk["tags"]["hydra/overrides"] == "lr=0.25"
    assert sdk["tags"]["extra"] == "true"


def test_frames_and_pictures_of_libraries(tmp_path: Path) -> None:
    pandas, polars, pil = library("pandas"), library("polars"), library("PIL.Image")
    library("matplotlib").use("Agg")
    figure = library("matplotlib.pyplot").figure()
    run = mlhub.init(dir=tmp_path, strict=True)
    columns = {"a": [1, 2], "b": ["x", None]}
    run.log_table("pandas", pandas.DataFrame(columns))
    run.log_table("polars", polars.DataFrame(columns))
    run.log({"pil": pil.new("RGB", (5, 4)), "figure": figure})
    run.log_figure("axes", figure.add_subplot())
    facts = run.describe(pandas.DataFrame(columns))
    assert (facts["shape"], facts["columns"]["a"]) == ([2, 2], "int64")
    media = {record["name"]: record for record in ended(run).records("media")}
    assert media["pandas"]["rows"] == media["polars"]["rows"] == 2
    assert (media["pil"]["width"], media["pil"]["height"]) == (5, 4)
    assert media["figure"]["source"] == media["axes"]["source"] == "matplotlib"
