/**
 * Writes the snapshots again with 256 colours each, which makes them less than half as large:
 *
 *     node e2e/snapshots/shrink.mjs
 *
 * The colours kept are those a picture has most of, and the tones that would be missed most; others become
 * the nearest of them. What that changes is far below what the comparison of pictures lets pass.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync, inflateSync } from "node:zlib";

const FOLDER = fileURLToPath(new URL("pages/", import.meta.url));
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS_MAX = 256;
/** Colours kept because there is most of them; the rest of the places goes to those far from all of these. */
const COMMON_MAX = 160;
const PALETTE = 3;
const CHANNELS = { 2: 3, 6: 4 };

function chunks(file) {
  const found = [];
  for (let at = SIGNATURE.length; at < file.length; ) {
    const size = file.readUInt32BE(at);
    found.push({ kind: file.toString("latin1", at + 4, at + 8), body: file.subarray(at + 8, at + 8 + size) });
    at += 12 + size;
  }
  return found;
}

function paeth(left, above, corner) {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** Takes the filters of PNG off: bytes of pixels, row by row. */
function unfiltered(raw, height, rowBytes, step) {
  const out = Buffer.alloc(height * rowBytes);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (rowBytes + 1)];
    const from = y * (rowBytes + 1) + 1;
    const to = y * rowBytes;
    for (let i = 0; i < rowBytes; i += 1) {
      const left = i >= step ? out[to + i - step] : 0;
      const above = y > 0 ? out[to + i - rowBytes] : 0;
      const corner = y > 0 && i >= step ? out[to + i - rowBytes - step] : 0;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter];
      out[to + i] = raw[from + i] + guess;
    }
  }
  return out;
}

/** Each pixel as 0xRRGGBB; undefined for a picture that has a palette already. */
function pixels(file) {
  const parts = chunks(file);
  const head = parts[0].body;
  const [width, height, channels] = [head.readUInt32BE(0), head.readUInt32BE(4), CHANNELS[head[9]]];
  if (head[9] === PALETTE) return undefined;
  if (head[8] !== 8 || !channels || head[12] !== 0) throw new Error("not a picture a browser has taken");
  const data = Buffer.concat(parts.filter((part) => part.kind === "IDAT").map((part) => part.body));
  const bytes = unfiltered(inflateSync(data), height, width * channels, channels);
  const colours = new Uint32Array(width * height);
  for (let i = 0; i < colours.length; i += 1) colours[i] = bytes.readUIntBE(i * channels, 3);
  return { width, height, colours };
}

function distance(a, b) {
  const [r, g, l] = [(a >> 16) - (b >> 16), ((a >> 8) & 255) - ((b >> 8) & 255), (a & 255) - (b & 255)];
  return r * r + g * g + l * l;
}

/** The colours that are kept, and for every colour the place of the nearest of them. */
function palette(colours) {
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const all = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || a - b);
  const kept = all.slice(0, COMMON_MAX);
  const nearest = new Map(all.map((colour) => [colour, { place: 0, far: Number.POSITIVE_INFINITY }]));
  const offer = (place) => {
    for (const [colour, best] of nearest) {
      const far = distance(colour, kept[place]);
      if (far < best.far) Object.assign(best, { place, far });
    }
  };
  kept.forEach((_, place) => {
    offer(place);
  });
  while (kept.length < Math.min(COLOURS_MAX, all.length)) {
    const missed = (colour) => nearest.get(colour).far * Math.sqrt(counts.get(colour));
    kept.push(all.reduce((worst, colour) => (missed(colour) > missed(worst) ? colour : worst)));
    offer(kept.length - 1);
  }
  return { kept, place: (colour) => nearest.get(colour).place };
}

function chunk(kind, body) {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(body.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}

function shrunk({ width, height, colours }) {
  const { kept, place } = palette(colours);
  const rows = Buffer.alloc(height * (width + 1));
  for (let i = 0; i < colours.length; i += 1) rows[i + Math.floor(i / width) + 1] = place(colours[i]);
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, PALETTE, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const table = Buffer.alloc(kept.length * 3);
  kept.forEach((colour, at) => {
    table.writeUIntBE(colour, at * 3, 3);
  });
  const data = chunk("IDAT", deflateSync(rows, { level: 9 }));
  const end = chunk("IEND", Buffer.alloc(0));
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", table), data, end]);
}

let total = 0;
for (const name of readdirSync(FOLDER, { recursive: true }).filter((one) => one.endsWith(".png"))) {
  const path = join(FOLDER, name);
  const read = pixels(readFileSync(path));
  if (read) writeFileSync(path, shrunk(read));
  total += readFileSync(path).length;
}
console.log(`${(total / 1e6).toFixed(2)} MB of snapshots`);
