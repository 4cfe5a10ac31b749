// Splits of a CSV dataset as numbers and classes. A bad cell is refused by row and
// column, never by its content. Missing cells are refused: this model has no use for them.
"use strict";

const fs = require("fs");

const { EXIT, Refusal } = require("./run");

function refuse(message) {
  throw new Refusal(EXIT.dataset, null, message);
}

/** The records of a CSV text (RFC 4180): quoted cells may hold commas, quotes and line ends. */
function parseCsv(text) {
  const records = [];
  let record = [];
  let cell = "";
  let quoted = false;
  const endRecord = () => {
    record.push(cell);
    cell = "";
    if (record.length > 1 || record[0] !== "") {
      records.push(record);
    }
    record = [];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character !== '"') {
        cell += character;
      } else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else {
        quoted = false;
      }
    } else if (character === '"') {
      quoted = true;
    } else if (character === ",") {
      record.push(cell);
      cell = "";
    } else if (character === "\n") {
      endRecord();
    } else if (character !== "\r") {
      cell += character;
    }
  }
  endRecord();
  return records;
}

/** One number per feature, in order. */
function numbers(record, columns, where) {
  return columns.map(({ name, index }) => {
    const cell = (record[index] ?? "").trim();
    const value = cell === "" ? NaN : Number(cell);
    if (!Number.isFinite(value)) {
      refuse(`${where}: the cell of column ${name} is no finite number`);
    }
    return value;
  });
}

/**
 * A split: `features` (names), `x` (rows of numbers), `y` (classes), `ids`.
 * With `features`, those of the training split, the columns are taken in that order.
 */
function readSplit(run, split, features) {
  const { target, id, splits } = run.file.dataset;
  if (!splits[split]) {
    refuse(`run.json names no split ${split}`);
  }
  const [header, ...records] = parseCsv(fs.readFileSync(splits[split].path, "utf8"));
  if (!header || records.length === 0) {
    refuse(`split ${split} has no rows`);
  }
  const find = (name) => {
    const index = header.indexOf(name);
    return index < 0 ? refuse(`split ${split} has no column ${name}`) : index;
  };
  const names = features || header.filter((name) => name !== target && name !== id);
  const columns = names.map((name) => ({ name, index: find(name) }));
  const targetIndex = find(target);
  const idIndex = id ? find(id) : null;
  const where = (row) => `row ${row + 1} of split ${split}`;
  return {
    features: names,
    x: records.map((record, row) => numbers(record, columns, where(row))),
    y: records.map((record, row) => record[targetIndex] || refuse(`${where(row)} has no class`)),
    ids: records.map((record, row) => (idIndex === null ? row : record[idIndex])),
  };
}

module.exports = { readSplit };
