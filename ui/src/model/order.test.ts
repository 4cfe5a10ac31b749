import { describe, expect, it } from "vitest";
import { groupOrder, orderTexts, pressed, readOrder, writeOrder } from "./order";

describe("orders", () => {
  it("are read as the hub writes them and written back", () => {
    const keys = readOrder('metrics."a, b" desc, params.lr, created:desc, name ASC');
    expect(keys).toEqual([
      { by: 'metrics."a, b"', descending: true },
      { by: "params.lr", descending: false },
      { by: "created", descending: true },
      { by: "name", descending: false },
    ]);
    expect(readOrder(writeOrder(keys))).toEqual(keys);
    expect(readOrder("a, a desc, ")).toEqual([{ by: "a", descending: false }]);
    expect(writeOrder([])).toBeUndefined();
  });
  it("turn around and go when a head is pressed again", () => {
    const one = pressed([], "metrics.a", "desc", false);
    const two = pressed(one, "metrics.a", "desc", false);
    expect(orderTexts(one)).toEqual(["metrics.a desc"]);
    expect(orderTexts(two)).toEqual(["metrics.a"]);
    expect(pressed(two, "metrics.a", "desc", false)).toEqual([]);
    expect(orderTexts(pressed(two, "name", "asc", false))).toEqual(["name"]);
  });
  it("grow with shift and keep their rank", () => {
    const two = pressed(readOrder("state"), "metrics.a", "desc", true);
    expect(orderTexts(two)).toEqual(["state", "metrics.a desc"]);
    expect(orderTexts(pressed(two, "state", "asc", true))).toEqual(["state desc", "metrics.a desc"]);
    const turned = pressed(two, "metrics.a", "desc", true);
    expect(orderTexts(turned)).toEqual(["state", "metrics.a"]);
    expect(orderTexts(pressed(turned, "metrics.a", "desc", true))).toEqual(["state"]);
    expect(orderTexts(pressed(two, "state", "asc", false))).toEqual(["state"]);
  });
  it("of groups are the first key that groups have", () => {
    const keys = readOrder("name, metrics.a desc, runs");
    expect(orderTexts(groupOrder(keys, ["metrics.a"]))).toEqual(["metrics.a desc"]);
    expect(orderTexts(groupOrder(keys, []))).toEqual(["runs"]);
  });
});
