import { chromium } from "@playwright/test";
const [,, ...jobs] = process.argv;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox","--disable-gpu"] });
for (const job of jobs) {
  const [name, path, scheme, width, click] = job.split("|");
  const page = await browser.newPage({ viewport: { width: Number(width), height: 950 }, colorScheme: scheme });
  page.on("console", m => m.type()==="error" && console.log(name, m.text()));
  page.on("pageerror", e => console.log(name, "ERR", e.message));
  await page.goto("http://127.0.0.1:5304" + path);
  await page.locator("h1").first().waitFor({timeout: 40000}).catch(e=>console.log(name,"no h1")); await page.waitForTimeout(1500);
  await page.waitForTimeout(800);
  if (click) { await page.getByRole("button", { name: click }).first().click(); await page.waitForTimeout(700); }
  await page.screenshot({ path: `/tmp/ui5/shots/runpage/${name}.png` });
  await page.close();
}
await browser.close();
