// Answers with a trained model: the conversation of the capability `predict`, one JSON
// line per frame on standard input and output. Argument: the worker's run directory.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");

const { likeliest, probabilities } = require("./model");
const { EXIT, Refusal, main } = require("./run");

/** What is wrong with a request; the worker goes on after it. */
class Problem extends Error {
  constructor(code, field, message) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

function load(run) {
  try {
    const read = (name) => JSON.parse(fs.readFileSync(path.join(run.file.model.path, name), "utf8"));
    const { version, input, output } = read("model.json");
    if (version > 1) {
      throw new Refusal(EXIT.unsupported, "model.path", "model.json must have version 1");
    }
    const features = input.columns.map((column) => column.name);
    const model = { ...read("weights.json"), features, classes: output.labels };
    const fits = model.weights.every((weights) => weights.length === features.length + 1);
    if (!fits || model.weights.length !== model.classes.length) {
      throw new Error("model.json and weights.json do not fit together");
    }
    return model;
  } catch (error) {
    if (error instanceof Refusal) {
      throw error;
    }
    throw new Refusal(EXIT.param, "model.path", "the model is damaged or lacks a file; train it again");
  }
}

/** An input as a row of features. Messages name fields and what is known, never what was given. */
function rowOf(model, input, at) {
  const field = `inputs.${at}`;
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new Problem("invalid", field, "an input must be an object by column");
  }
  const unknown = Object.keys(input).findIndex((name) => !model.features.includes(name));
  if (unknown >= 0) {
    throw new Problem("invalid", field, `unknown column; known are ${model.features.join(", ")}`);
  }
  return model.features.map((name) => {
    if (!Number.isFinite(input[name])) {
      throw new Problem("invalid", `${field}.${name}`, `${name} must be a finite number`);
    }
    return input[name];
  });
}

function answer(model, request) {
  if (!request.predict) {
    throw new Problem("unsupported", null, "this model answers predict");
  }
  const { inputs, options } = request.predict;
  if (!Array.isArray(inputs)) {
    throw new Problem("invalid", "inputs", "inputs must be a list");
  }
  if (Object.keys(options || {}).length > 0) {
    throw new Problem("invalid", "options", "this model takes no options");
  }
  return inputs.map((input, at) => {
    const { scores } = probabilities(model, rowOf(model, input, at));
    const byClass = Object.fromEntries(model.classes.map((name, c) => [name, scores[c]]));
    return { label: model.classes[likeliest(scores)], scores: byClass };
  });
}

async function serve(run) {
  const model = load(run);
  const say = (frame) => process.stdout.write(JSON.stringify(frame) + "\n");
  say({ ready: { protocol: 1, capabilities: ["predict"] } });
  for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    let request;
    try {
      request = JSON.parse(line);
    } catch {
      throw new Refusal(EXIT.param, null, "a frame is not JSON");
    }
    try {
      say({ id: request.id, outputs: answer(model, request) });
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error;
      }
      const { code, field, message } = error;
      say({ id: request.id, error: { code, field, message } });
    }
  }
}

main(serve);
