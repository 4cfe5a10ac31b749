import {chromium} from "@playwright/test"; import {readdirSync,writeFileSync} from "node:fs";
const [,, kind, w, ...names]=process.argv; const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox","--disable-gpu","--allow-file-access-from-files"]});
const p=await b.newPage({viewport:{width:1440,height:900}});
writeFileSync("/tmp/ui6/sheet.html",`<body style="margin:0;background:#888;display:flex;flex-wrap:wrap;gap:6px">`+names.map(n=>`<img style="width:${w}px" src="file:///work/wt-snap/ui/e2e/snapshots/pages/${kind}/${n}.png">`).join(""));
await p.goto("file:///tmp/ui6/sheet.html"); await p.waitForLoadState("load"); await p.screenshot({path:`/tmp/ui6/shots/snap-sheet.png`,fullPage:true}); await b.close();
