// SPDX-License-Identifier: Apache-2.0
// Drives a browser through pages of -o html: ./dev browser. Pictures of them go
// into the folder, to be looked at.
//
//     node check.mjs LOGTALLY LOGGEN FOLDER
import assert from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { hostile } from "./hostile.mjs";
import { calm, holdToAxe, openPage, WIDTHS } from "./page.mjs";

const [logtally, loggen, folder] = process.argv.slice(2).map(
  p => path.resolve(p));
const need = createRequire(path.join(folder, "node", "x.js"));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

// ---- pages

const QUERIES = `
totals: count, distinct(ip), sum(bytes), avg(bytes)
by-hour: count, sum(bytes) by time:1h
by-minute: count by time:5m
classes-by-hour: count by time:1h, status:100
paths: count, sum(bytes) by path | sort -count | head 50
methods: count by status, method
sizes: hist(bytes, 2KB) | sort bucket
week: count by weekday(time), hour(time)
agents: top 30 ua
nothing: path = "/no such" | count by path
`;

function page(name, args) {
  const file = path.join(folder, `${name}.html`);
  writeFileSync(file, execFileSync(logtally,
    ["run", ...args, "-o", "html", "--quiet", "--allow-weak-sandbox"],
    {maxBuffer: 1 << 28}));
  return file;
}

function busyPage() {
  const log = path.join(folder, "busy.log");
  const days = [1, 2].map(n =>
    execFileSync(loggen, [String(n), "4", String(12 + n)],
      {maxBuffer: 1 << 28}));
  writeFileSync(log, Buffer.concat([...days, Buffer.from("no line\n")]));
  const ltq = path.join(folder, "busy.ltq");
  writeFileSync(ltq, QUERIES);
  return page("busy", ["-q", ltq, log]);
}

// Names of columns, of files and rejected lines are hostile as well.
function hostilePage() {
  const log = path.join(folder, "<img src=x onerror=ran=1>.log");
  const lines = hostile.map((s, i) => JSON.stringify({path: s, ua: s, ip: s,
    status: 200 + i % 3, bytes: i, time: 1700000000 + i * 60}));
  writeFileSync(log, `${lines.join("\n")}\n<script>ran=1</script>\n`);
  const ltq = path.join(folder, "hostile.ltq");
  writeFileSync(ltq, `
paths: count, sum(bytes) by path
agents: top 300 ua
both: count by path, ua
parts: count by ip, status
over-time: count by time:1h, ua
named: count by \`<img src=x onerror=ran=1>\`
literal: ua = "</script><script>ran=1</script>" | top ua
`);
  return page("hostile", ["-q", ltq, "-f", "json", log]);
}

// ---- what every page is held to

const open = (browser, file, options, faults) => {
  const url = pathToFileURL(file).href;
  return openPage(browser, url, u => u === url, options, faults);
};

const accessible = async (browser, file, options) => {
  const p = await open(browser, file, {...options, bypassCSP: true}, []);
  await holdToAxe(p, axe);
  await p.context().close();
};

async function pictures(browser, name, file) {
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"]) {
      const faults = [];
      const p = await open(browser, file,
        {viewport: {width, height: 900}, colorScheme}, faults);
      await p.screenshot({fullPage: true,
        path: path.join(folder, `${name}-${width}-${colorScheme}.png`)});
      await calm(p, faults);
      await p.context().close();
    }
  }
}

// ---- what a reader does

const column = (p, section, n) => p.$$eval(
  `#${section} tbody tr:not([hidden]) > :nth-child(${n})`,
  cells => cells.map(c => c.textContent));
const numbers = texts => texts.map(t => Number(t.replace(/,/g, "")));
const isSorted = (list, sign) =>
  list.every((v, i) => i === 0 || sign * (v - list[i - 1]) >= 0);

async function sorts(p) {
  const button = p.locator("#r4 thead button").nth(2); // sum(bytes)
  const asked = await column(p, "r4", 1);
  await button.click();
  assert.ok(isSorted(numbers(await column(p, "r4", 3)), -1));
  await button.focus();
  await p.keyboard.press("Enter");
  assert.ok(isSorted(numbers(await column(p, "r4", 3)), 1));
  assert.strictEqual(
    await p.getAttribute("#r4 thead th:nth-child(3)", "aria-sort"),
    "ascending");
  await p.keyboard.press("Space");
  assert.deepStrictEqual(await column(p, "r4", 1), asked);
  assert.strictEqual(await p.locator("#r4 th[aria-sort]").count(), 0);
}

async function searches(p) {
  const input = p.getByLabel("Search paths");
  await input.fill("ROBOTS");
  assert.deepStrictEqual(await column(p, "r4", 1), ["/robots.txt"]);
  assert.strictEqual(await p.textContent("#r4 [role=status]"),
    "1 of 50 rows");
  await input.fill("");
  assert.strictEqual((await column(p, "r4", 1)).length, 50);
}

const looks = p => p.evaluate(() => [
  getComputedStyle(document.body).backgroundColor,
  document.querySelector("canvas").toDataURL().length]);

async function switchesTheme(p) {
  const before = await looks(p);
  await p.getByRole("button", {name: "Dark theme"}).click();
  const dark = await looks(p);
  assert.notDeepStrictEqual(dark, before);
  await p.getByRole("button", {name: "Light theme"}).click();
  assert.deepStrictEqual(await looks(p), before);
}

async function draws(p) {
  const canvas = () => p.$eval("#r1 canvas", c => c.toDataURL());
  const before = await canvas();
  const blank = await p.$$eval("canvas", all => all.filter(c => !c.getContext(
    "2d").getImageData(0, 0, c.width, c.height).data.some(b => b)).length);
  assert.strictEqual(blank, 0);
  await p.getByLabel("Column drawn in by-hour").selectOption("sum(bytes)");
  assert.notStrictEqual(await canvas(), before);
  assert.strictEqual(await p.locator("#r7 .heat tbody td").count(), 7 * 24);
}

async function reads(browser, file) {
  const faults = [];
  const p = await open(browser, file,
    {viewport: {width: 1440, height: 900}, colorScheme: "light"}, faults);
  await sorts(p);
  await searches(p);
  await switchesTheme(p);
  await draws(p);
  await p.pdf({path: path.join(folder, "busy.pdf")});
  await calm(p, faults);
  console.log(`drawn in ${Math.round(p.took)} ms`);
  await p.context().close();
}

async function withoutScript(browser, file) {
  const p = await open(browser, file, {javaScriptEnabled: false,
    viewport: {width: 768, height: 900}}, []);
  await p.screenshot({fullPage: true,
    path: path.join(folder, "busy-no-script.png")});
  assert.strictEqual(await p.locator("#r4 tbody tr").count(), 50);
  assert.strictEqual(await p.locator(".chart:visible").count(), 0);
  await p.context().close();
}

// Every text is there, as text.
async function shows(browser, file) {
  const faults = [];
  const p = await open(browser, file,
    {viewport: {width: 1440, height: 900}}, faults);
  const shown = new Set(await column(p, "r0", 1));
  for (const s of hostile.filter(t => /^[\x20-\x7e]+$/.test(t))) {
    assert.ok(shown.has(s), s);
  }
  for (const button of await p.locator("thead button").all()) {
    await button.click();
  }
  for (const input of await p.locator("input").all()) {
    await input.fill("<script>");
  }
  const box = await p.locator("#r0 canvas").boundingBox();
  for (let y = 10; y < box.height; y += 25) {
    await p.mouse.move(box.x + box.width / 2, box.y + y);
  }
  await calm(p, faults);
  await p.context().close();
}

mkdirSync(folder, {recursive: true});
const browser = await chromium.launch({
  executablePath: process.env.BROWSER_PROGRAM || "/usr/bin/chromium",
  args: process.getuid() === 0 ? ["--no-sandbox"] : []});
try {
  const busy = busyPage();
  const bad = hostilePage();
  await reads(browser, busy);
  await withoutScript(browser, busy);
  await shows(browser, bad);
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1440, 375]) {
      const options = {colorScheme, viewport: {width, height: 900}};
      await accessible(browser, busy, options);
      await accessible(browser, bad, options);
    }
  }
  await pictures(browser, "busy", busy);
  await pictures(browser, "hostile", bad);
  console.log(`${hostile.length} hostile texts shown, none ran; no fault of ` +
    `axe-core; pictures in ${folder}`);
} finally {
  await browser.close();
}
