// SPDX-License-Identifier: Apache-2.0
// What every page is held to: it asks for nothing but what it may, says nothing
// on the console, breaks no policy, runs nothing of what it shows, fits the
// width, and axe-core finds no serious fault.
import assert from "node:assert";

export const WIDTHS = [1440, 768, 375];

// mayAsk(url): may the page ask for that?
export async function openPage(browser, url, mayAsk, options, faults) {
  const context = await browser.newContext(options);
  const p = await context.newPage();
  p.on("console", m => faults.push(`console: ${m.text()}`));
  p.on("pageerror", e => faults.push(`error: ${e.stack}`));
  p.on("dialog", d => { faults.push(`dialog: ${d.message()}`); d.dismiss(); });
  p.on("request", r => {
    if (!mayAsk(r.url())) faults.push(`request: ${r.url()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await p.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", e =>
        window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
    });
  }
  const begin = performance.now();
  await p.goto(url);
  p.took = performance.now() - begin;
  return p;
}

export async function calm(p, faults) {
  faults.push(...await p.evaluate(() => window.violations));
  assert.strictEqual(await p.evaluate(() => window.ran), undefined);
  const [inside, outside] = await p.evaluate(() =>
    [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(inside <= outside, `${inside} pixels in ${outside}`);
  assert.deepStrictEqual(faults, []);
}

// The page was opened with bypassCSP.
export async function holdToAxe(p, axe) {
  await p.evaluate(axe);
  const {violations} = await p.evaluate(() => window.axe.run(document));
  const serious = violations.filter(
    v => ["serious", "critical"].includes(v.impact));
  for (const v of serious) {
    console.log(`${v.id}: ${v.help}`);
    v.nodes.slice(0, 3).forEach(n => console.log(
      `    ${n.html.slice(0, 160)}\n    ${n.failureSummary}`));
  }
  assert.deepStrictEqual(serious.map(v => v.id), []);
}
