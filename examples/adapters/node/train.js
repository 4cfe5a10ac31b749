// Trains multinomial logistic regression as an ML Experiment Hub adapter (protocol 1),
// in plain Node.js. Argument: the run directory. Answering with the trained model is
// serve.js; files and events are run.js.
"use strict";

const fs = require("fs");
const { setImmediate: pause } = require("timers/promises");

const { create, likeliest, measure, probabilities, trainEpoch } = require("./model");
const { EXIT, Refusal, main } = require("./run");
const { readSplit } = require("./table");

// run.json may not come from the hub, so params are checked again.
function readParams(run) {
  return {
    epochs: run.number("epochs", { least: 1, whole: true }),
    rate: run.number("learning_rate", { above: 0, most: 10 }),
    l2: run.number("l2", { least: 0, most: 10 }),
    batchSize: run.number("batch_size", { least: 1, whole: true }),
    every: run.number("checkpoint_every", { least: 1, whole: true }),
    seed: run.file.seed,
  };
}

function readTraining(run) {
  if (!run.file.dataset?.target) {
    throw new Refusal(EXIT.dataset, null, "name a dataset and its target");
  }
  const data = readSplit(run, "train");
  const classes = [...new Set(data.y)].sort();
  if (classes.length < 2) {
    throw new Refusal(EXIT.dataset, null, "the training split must have at least two classes");
  }
  const shape = [data.x.length, data.features.length];
  run.emit({ entry: { train: { shape, dtype: "float64", device: "cpu", classes: classes.length } } });
  return { ...data, classes, labels: data.y.map((name) => classes.indexOf(name)) };
}

/** The epoch to go on after, having put the checkpoint's weights into the model; 0 for a new run. */
function restore(run, model) {
  const { resume } = run.file;
  if (!resume) {
    return 0;
  }
  const saved = JSON.parse(fs.readFileSync(resume.checkpoint, "utf8"));
  const fits =
    saved.weights?.length === model.weights.length &&
    saved.weights.every((weights, c) => weights.length === model.weights[c].length);
  if (saved.version !== 1 || saved.epoch !== resume.step || !fits) {
    throw new Refusal(EXIT.dataset, null, "the checkpoint is not of this dataset and program");
  }
  model.weights = saved.weights;
  return saved.epoch;
}

function checkpoint(run, model, epoch) {
  const name = `checkpoints/epoch-${epoch}.json`;
  // JSON of a double is its shortest exact text, so nothing is lost. The order of rows
  // comes from seed and epoch: there is no generator to keep.
  run.writeWhole(name, JSON.stringify({ version: 1, epoch, weights: model.weights }));
  run.emit({ checkpoint: { step: epoch, path: name } });
}

function predict(run, model, split) {
  const { ids, x, y } = readSplit(run, split, model.features);
  const lines = x.map((row, i) => {
    const { scores } = probabilities(model, row);
    const byClass = model.classes.map((name, c) => [`y_score_${name}`, scores[c]]);
    const line = { id: ids[i], y_true: y[i], y_pred: model.classes[likeliest(scores)] };
    return JSON.stringify({ ...line, ...Object.fromEntries(byClass) });
  });
  const name = `predictions/${split}.jsonl`;
  run.writeWhole(name, lines.join("\n") + "\n");
  run.emit({ predictions: { split, path: name } });
}

/** Leaves the model and its description for serve.js. */
function leave(run, model) {
  const { classes, features, ...weights } = model;
  const description = {
    version: 1,
    task: "multiclass",
    input: { kind: "table", columns: features.map((name) => ({ name, type: "number" })) },
    output: { kind: "classes", labels: classes },
  };
  for (const [name, content] of [["weights.json", weights], ["model.json", description]]) {
    run.writeWhole(`artifacts/${name}`, JSON.stringify(content));
    run.emit({ artifact: { path: `artifacts/${name}`, kind: "model" } });
  }
}

async function train(run) {
  const params = readParams(run);
  if (run.file.task && run.file.task !== "multiclass") {
    throw new Refusal(EXIT.unsupported, "task", "the task must be multiclass");
  }
  const { x, labels, classes, features } = readTraining(run);
  const model = create(classes, features, x);
  let stopped = false;
  process.on("SIGTERM", () => (stopped = true));
  for (let epoch = restore(run, model) + 1; epoch <= params.epochs; epoch++) {
    trainEpoch(model, x, labels, epoch, params);
    const { loss, accuracy } = measure(model, x, labels);
    if (!Number.isFinite(loss) || !model.weights.flat().every(Number.isFinite)) {
      throw new Refusal(EXIT.param, "learning_rate", "training diverged; lower learning_rate");
    }
    const metrics = { "train/loss": loss, "train/accuracy": accuracy };
    run.emit({ step: epoch, metrics, progress: { done: epoch, total: params.epochs } });
    await pause(); // lets a signal in
    if (stopped || epoch % params.every === 0) {
      checkpoint(run, model, epoch);
    }
    if (stopped) {
      process.exitCode = EXIT.terminated;
      return;
    }
  }
  for (const split of run.file.predict_splits || []) {
    predict(run, model, split);
  }
  leave(run, model);
}

main(train);
