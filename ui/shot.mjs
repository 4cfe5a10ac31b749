import { chromium } from "@playwright/test";
const [,, url, out, theme = "dark", width = "1440", full = ""] = process.argv;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: Number(width), height: 950 }, colorScheme: theme });
page.on("console", (m) => m.type() === "error" && console.log(m.text()));
page.on("pageerror", (e) => console.log(String(e)));
await page.goto(`http://127.0.0.1:5306${url}`);
await page.waitForLoadState("networkidle");
if (full === "fill") {
  await page.getByLabel("dataset", { exact: true }).selectOption("digits");
  await page.getByLabel("target").fill("label");
  await page.getByLabel("max_depth", { exact: true }).fill("3");
  await page.getByLabel("rounds", { exact: true }).fill("many");
  await page.waitForTimeout(1500);
}
if (full === "all") await page.evaluate(() => { const m = document.querySelector(".page"); if (m) { m.style.overflow = "visible"; document.documentElement.style.height = "auto"; } });
await page.screenshot({ path: out });
await browser.close();
