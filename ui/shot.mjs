import {chromium} from "@playwright/test";
const [,, ...specs]=process.argv; const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox","--disable-gpu"]});
for (const s of specs){ const [name,look,url]=s.split("|"); const dark=look[0]==="d"; const wide=look[1]==="w";
const p=await b.newPage({colorScheme:dark?"dark":"light",viewport:wide?{width:1440,height:900}:{width:420,height:800}});
await p.goto(url); await p.waitForSelector("h1"); await p.waitForFunction(()=>!document.querySelector(".skeleton"),null,{timeout:8000}).catch(()=>{}); await p.waitForTimeout(600); await p.screenshot({path:`/tmp/ui6/shots/snap-${name}.png`}); await p.close();}
await b.close();
