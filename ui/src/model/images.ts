/** Images that are sent to a model or come from it: known by their bytes, and drawn only when they are raster images. */

import { asObject, asText } from "./json";

export type ImageType = "image/png" | "image/jpeg";

/** An image that was picked. */
export interface Picked {
  name: string;
  mediaType: ImageType;
  base64: string;
  sizeBytes: number;
}

/** A request body has 32 MiB, and base64 makes four bytes of three. */
export const IMAGE_BYTES_MAX = 20 * 1024 * 1024;

const SIGNATURES: readonly (readonly [ImageType, readonly number[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
];

/** What the bytes are, whatever the file is called; undefined when no model takes them. */
export function imageType(bytes: Uint8Array): ImageType | undefined {
  return SIGNATURES.find(([, signature]) => signature.every((byte, at) => bytes[at] === byte))?.[0];
}

/** Bytes turned to text at once: an argument list has a bound. */
const PIECE_BYTES = 32 * 1024;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES));
  }
  return btoa(text);
}

/** An address of an image that is drawn; undefined for what is no raster image. */
export function imageUrl(value: unknown): string | undefined {
  const image = asObject(value);
  const type = SIGNATURES.find(([one]) => one === image.media_type)?.[0];
  const base64 = asText(image.base64);
  if (!type || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  return `data:${type};base64,${base64}`;
}
