// The run directory as the protocol has it: what run.json asks for, and the events
// and files that come out. Knows nothing of models, and nothing of the hub.
"use strict";

const fs = require("fs");
const path = require("path");

/** The newest `run.json` this program understands. */
const RUN_VERSION = 1;
const EXIT = { failed: 1, param: 64, dataset: 65, unsupported: 69, terminated: 143 };

/** Ends the program: whose fault it is, the field to blame or null, and what to do. */
class Refusal extends Error {
  constructor(code, field, message) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

class Run {
  constructor(dir) {
    this.dir = dir;
    for (const folder of ["events", "checkpoints", "predictions", "artifacts"]) {
      fs.mkdirSync(path.join(dir, folder), { recursive: true });
    }
    this.file = {};
  }

  /** Reads what is asked; refuses a newer protocol before anything else is believed. */
  read() {
    try {
      this.file = JSON.parse(fs.readFileSync(path.join(this.dir, "run.json"), "utf8"));
    } catch {
      throw new Refusal(EXIT.param, "run.json", "run.json cannot be read as JSON");
    }
    if (this.file.version > RUN_VERSION) {
      throw new Refusal(EXIT.unsupported, "version", `run.json must have version ${RUN_VERSION}`);
    }
  }

  /** Appends one event line, which is whole when this returns. */
  emit(event) {
    fs.appendFileSync(path.join(this.dir, "events", "main.jsonl"), JSON.stringify(event) + "\n");
  }

  /** Writes a file so that a reader sees all of it or nothing. */
  writeWhole(name, text) {
    const whole = path.join(this.dir, name);
    fs.writeFileSync(whole + ".partial", text);
    fs.renameSync(whole + ".partial", whole);
  }

  /** A param that is a number within bounds; `whole` asks for an integer. */
  number(name, { above = -Infinity, least = -Infinity, most = Infinity, whole = false }) {
    const value = this.file.params[name];
    const isNumber = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!isNumber || !(value > above && value >= least && value <= most)) {
      const bounds = [
        above > -Infinity ? `above ${above}` : null,
        least > -Infinity ? `at least ${least}` : null,
        most < Infinity ? `at most ${most}` : null,
      ].filter(Boolean);
      const kind = whole ? "a whole number" : "a number";
      throw new Refusal(EXIT.param, name, `${name} must be ${kind} ${bounds.join(" and ")}`);
    }
    return value;
  }
}

/** Runs `work` on the run directory of the command line; a refusal becomes an event and an exit code. */
async function main(work) {
  const run = new Run(process.argv[2]);
  try {
    run.read();
    await work(run);
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    run.emit({ error: { field: error.field, message: error.message } });
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.code;
  }
}

module.exports = { EXIT, Refusal, main };
