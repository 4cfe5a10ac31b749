import { chromium } from "@playwright/test";
import fs from "node:fs";
const ids = JSON.parse(fs.readFileSync("/tmp/media/ids.json"));
const b = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
for (const theme of process.argv[2] ? [process.argv[2]] : ["dark"]) {
  const p = await b.newPage({ viewport: { width: Number(process.argv[3] ?? 1440), height: 900 }, colorScheme: theme });
  p.on("console", (m) => m.type() === "error" && console.log(m.text()));
  p.on("pageerror", (e) => console.log("ERR", e.message));
  await p.goto(`http://127.0.0.1:5303/compare?runs=${ids.join(",")}`);
  const s = p.getByRole("region", { name: "Analysis", exact: true });
  await s.waitFor();
  await p.waitForTimeout(800);
  await s.screenshot({ path: `/tmp/ui5/shots/media/parallel-${theme}.png` });
  await s.getByRole("button", { name: "Scatter" }).click();
  await p.getByText("Pareto front").click();
  await p.getByText("Line of least").click();
  await p.getByText("Log X").click();
  await p.waitForTimeout(300);
  await s.screenshot({ path: `/tmp/ui5/shots/media/scatter-${theme}.png` });
  await s.getByRole("button", { name: "Bars", exact: true }).click();
  await p.waitForTimeout(300);
  await s.screenshot({ path: `/tmp/ui5/shots/media/bars-${theme}.png` });
  await s.getByRole("button", { name: "Table", exact: true }).click();
  await p.close();
}
await b.close();
