// Estimates the mean of the target as an ML Experiment Hub adapter (protocol 1),
// in plain Node.js without packages. Argument: the run directory. Reads run.json
// and JSON lines; writes event lines to events/main.jsonl, checkpoints, and one
// prediction file per split asked for. Nothing of the data is written elsewhere.
"use strict";

const fs = require("fs");
const path = require("path");

const EXIT_CONFIG = 64;
const EXIT_DATASET = 65;

const runDir = process.argv[2];
const run = JSON.parse(fs.readFileSync(path.join(runDir, "run.json"), "utf8"));
for (const folder of ["events", "checkpoints", "predictions"]) {
  fs.mkdirSync(path.join(runDir, folder), { recursive: true });
}

/** Appends one event line, which is whole when this returns. */
function emit(event) {
  fs.appendFileSync(path.join(runDir, "events", "main.jsonl"), JSON.stringify(event) + "\n");
}

/** Ends with a code that says whose fault it is, and the field to blame. */
function refuse(code, field, message) {
  emit({ error: { field, message } });
  process.exit(code);
}

/** Writes a file so that a reader sees all of it or nothing. */
function writeWhole(name, text) {
  const whole = path.join(runDir, name);
  fs.writeFileSync(whole + ".partial", text);
  fs.renameSync(whole + ".partial", whole);
}

// run.json may not come from the hub, so params are checked again.
function readParams() {
  const { epochs, rate, checkpoint_every: every } = run.params;
  if (!Number.isInteger(epochs) || epochs < 1) {
    refuse(EXIT_CONFIG, "epochs", "epochs must be a whole number of at least 1");
  }
  if (typeof rate !== "number" || !(rate > 0 && rate <= 1)) {
    refuse(EXIT_CONFIG, "rate", "rate must be a number above 0 and at most 1");
  }
  if (!Number.isInteger(every) || every < 1) {
    refuse(EXIT_CONFIG, "checkpoint_every", "checkpoint_every must be a whole number of at least 1");
  }
  return { epochs, rate, every };
}

/** The rows of a split. A bad row is told by its number, never by its content. */
function readSplit(split) {
  const target = run.dataset.target;
  const lines = fs.readFileSync(run.dataset.splits[split].path, "utf8").split("\n");
  return lines
    .filter((line) => line.trim() !== "")
    .map((line, index) => {
      let row;
      try {
        row = JSON.parse(line);
      } catch {
        refuse(EXIT_DATASET, null, `row ${index + 1} of split ${split} is not JSON`);
      }
      if (typeof row[target] !== "number") {
        refuse(EXIT_DATASET, null, `row ${index + 1} of split ${split} has a target that is no number`);
      }
      return row;
    });
}

function train() {
  const { epochs, rate, every } = readParams();
  const targets = readSplit("train").map((row) => row[run.dataset.target]);
  emit({ entry: { train: { shape: [targets.length], dtype: "float64", device: "cpu" } } });
  const mean = targets.reduce((sum, value) => sum + value, 0) / targets.length;
  let estimate = 0;
  let first = 1;
  if (run.resume) {
    estimate = JSON.parse(fs.readFileSync(run.resume.checkpoint, "utf8")).estimate;
    first = run.resume.step + 1;
  }
  for (let epoch = first; epoch <= epochs; epoch++) {
    estimate += rate * (mean - estimate);
    const squares = targets.reduce((sum, value) => sum + (value - estimate) ** 2, 0);
    const rmse = Math.sqrt(squares / targets.length);
    emit({ step: epoch, metrics: { "train/rmse": rmse }, progress: { done: epoch, total: epochs } });
    if (epoch % every === 0) {
      const name = `checkpoints/epoch-${epoch}.json`;
      writeWhole(name, JSON.stringify({ estimate }));
      emit({ checkpoint: { step: epoch, path: name } });
    }
  }
  for (const split of run.predict_splits || []) {
    predict(split, estimate);
  }
}

function predict(split, estimate) {
  const { id, target } = run.dataset;
  const rows = readSplit(split).map((row, index) =>
    JSON.stringify({ id: id ? row[id] : index, y_true: row[target], y_pred: estimate }),
  );
  const name = `predictions/${split}.jsonl`;
  writeWhole(name, rows.join("\n") + "\n");
  emit({ predictions: { split, path: name } });
}

train();
