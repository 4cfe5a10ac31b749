// Multinomial logistic regression on standardised features, trained by gradient
// descent on shuffled batches. Pure: draws no randomness but from the seed it is given.
"use strict";

/** A generator of numbers in [0, 1) from 32 bits (mulberry32). */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The order of rows in an epoch. It depends on seed and epoch alone, so a resumed run draws the same. */
function order(count, seed, epoch) {
  const high = Math.floor(seed / 4294967296);
  const random = generator((seed ^ Math.imul(high, 0x85ebca6b) ^ Math.imul(epoch, 0x9e3779b1)) | 0);
  const rows = Array.from({ length: count }, (_, row) => row);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [rows[last], rows[other]] = [rows[other], rows[last]];
  }
  return rows;
}

/** A new model: zero weights, `[class][feature]` with the bias last, and the features' scale. */
function create(classes, features, x) {
  const center = features.map((_, j) => x.reduce((sum, row) => sum + row[j], 0) / x.length);
  const scale = features.map((_, j) => {
    const squares = x.reduce((sum, row) => sum + (row[j] - center[j]) ** 2, 0);
    return Math.sqrt(squares / x.length) || 1; // a constant column stays 0
  });
  const weights = classes.map(() => new Array(features.length + 1).fill(0));
  return { classes, features, center, scale, weights };
}

/** One probability per class for a row of raw features. */
function probabilities(model, row) {
  const scaled = row.map((value, j) => (value - model.center[j]) / model.scale[j]);
  const logits = model.weights.map((weights) =>
    scaled.reduce((sum, value, j) => sum + value * weights[j], weights[scaled.length]),
  );
  const greatest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - greatest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return { scaled, scores: powers.map((power) => power / total) };
}

/** The number of the likeliest class; of equals the first. */
function likeliest(scores) {
  return scores.indexOf(Math.max(...scores));
}

/** One gradient step on the rows of a batch. */
function step(model, x, labels, batch, { rate, l2 }) {
  const gradient = model.weights.map((weights) => new Array(weights.length).fill(0));
  for (const row of batch) {
    const { scaled, scores } = probabilities(model, x[row]);
    scores.forEach((score, c) => {
      const error = score - (labels[row] === c ? 1 : 0);
      scaled.forEach((value, j) => (gradient[c][j] += error * value));
      gradient[c][scaled.length] += error;
    });
  }
  model.weights.forEach((weights, c) =>
    weights.forEach((weight, j) => {
      const shrink = j < weights.length - 1 ? l2 * weight : 0;
      weights[j] -= rate * (gradient[c][j] / batch.length + shrink);
    }),
  );
}

/** One pass over the training rows. */
function trainEpoch(model, x, labels, epoch, { seed, batchSize, rate, l2 }) {
  const rows = order(x.length, seed, epoch);
  for (let from = 0; from < rows.length; from += batchSize) {
    step(model, x, labels, rows.slice(from, from + batchSize), { rate, l2 });
  }
}

/** Mean cross-entropy and accuracy. */
function measure(model, x, labels) {
  let loss = 0;
  let right = 0;
  x.forEach((row, i) => {
    const { scores } = probabilities(model, row);
    loss -= Math.log(Math.max(scores[labels[i]], Number.MIN_VALUE));
    right += likeliest(scores) === labels[i] ? 1 : 0;
  });
  return { loss: loss / x.length, accuracy: right / x.length };
}

module.exports = { create, likeliest, measure, probabilities, trainEpoch };
