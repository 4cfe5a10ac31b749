import { describe, expect, it } from "vitest";
import { imageType, imageUrl, toBase64 } from "./images";

describe("images", () => {
  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 1]);
  it("are known by their bytes", () => {
    expect(imageType(png)).toBe("image/png");
    expect(imageType(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0]))).toBe("image/jpeg");
    expect(imageType(new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg'/>"))).toBeUndefined();
    expect(imageType(png.subarray(0, 4))).toBeUndefined();
  });
  it("are written as base64, large ones too", () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, at) => at % 251);
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
  });
  it("are drawn only when they are raster images", () => {
    expect(imageUrl({ media_type: "image/png", base64: "iVBO" })).toBe("data:image/png;base64,iVBO");
    expect(imageUrl({ media_type: "image/svg+xml", base64: "iVBO" })).toBeUndefined();
    expect(imageUrl({ media_type: "image/png", base64: 'x" onerror="' })).toBeUndefined();
    expect(imageUrl("data:image/png;base64,iVBO")).toBeUndefined();
  });
});
