import { chromium } from "@playwright/test";
import { mkdirSync } from "node:fs";
const out = "/tmp/ui5/shots/rest"; mkdirSync(out, { recursive: true });
const [,, theme = "dark", width = "1440", ...paths] = process.argv;
const b = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const p = await b.newPage({ viewport: { width: Number(width), height: 900 } });
p.on("console", m => ["error","warning"].includes(m.type()) && console.log(m.type(), m.text().slice(0, 300)));
p.on("pageerror", e => console.log("pageerror", e.message));
await p.addInitScript(t => localStorage.setItem("mlhub.theme", t), theme);
for (const path of paths) {
  const [url, key] = path.split("#key=");
  await p.goto("http://127.0.0.1:5307" + url);
  await p.waitForSelector("h1, .empty h2");
  await p.waitForLoadState("networkidle", { timeout: 4000 }).catch(() => {});
  if (key) { for (const k of key.split(",")) { if (k.startsWith("type:")) await p.keyboard.type(k.slice(5), { delay: 20 }); else await p.keyboard.press(k); } await p.waitForTimeout(1500); }
  await p.waitForTimeout(400);
  await p.screenshot({ path: `${out}/${url.replace(/[^a-z0-9]+/gi, "_")}${key ? "_k" : ""}-${theme}-${width}.png` });
}
await b.close();
