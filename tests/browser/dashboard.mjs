// SPDX-License-Identifier: Apache-2.0
// Drives a browser through the dashboard of a real coordinator with workers:
// ./dev browser. A job is followed from its first rows to its end, the
// coordinator is killed and started again under an open page. Pictures go into
// the folder, to be looked at.
//
//     node dashboard.mjs BUILD FOLDER
import assert from "node:assert";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { Cluster, until } from "./cluster.mjs";
import { hostile } from "./hostile.mjs";
import { calm, holdToAxe, openPage, WIDTHS } from "./page.mjs";

const [build, folder] = process.argv.slice(2).map(p => path.resolve(p));
const need = createRequire(path.join(folder, "node", "x.js"));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const WIDE = {viewport: {width: 1440, height: 900}, colorScheme: "light"};
const QUERY = "count, sum(bytes) by path | sort -count";

let cluster;
let slow; // the worker that is stopped while a job is looked at

const here = url => url.startsWith(`${cluster.url}/`);
const open = (browser, page, options, faults) =>
  openPage(browser, cluster.url + page, here, options, faults);
const live = p => until("the page is live", () =>
  p.evaluate(() => document.body.dataset.link === "up"));
const column = (p, id, n) => p.$$eval(
  `#${id} tbody tr > :nth-child(${n})`, all => all.map(c => c.textContent));
const close = p => p.context().close();

// ---- what there is to see

async function setUp() {
  cluster = new Cluster(build, path.join(folder, "cluster"));
  const logs = path.join(cluster.folder, "logs");
  for (const [n, megabytes] of [[1, 6], [2, 6], [3, 30]]) {
    writeFileSync(path.join(logs, `web${n}.log`), execFileSync(
      path.join(build, "bench", "loggen"),
      [String(n), String(megabytes), String(12 + n)], {maxBuffer: 1 << 28}));
  }
  execFileSync("bzip2", ["-1", path.join(logs, "web3.log")]);
  writeFileSync(path.join(logs, "hostile.log"), `${hostile.map((s, i) =>
    JSON.stringify({path: s, ua: s, ip: s, status: 200, bytes: i,
      time: 1700000000 + i * 60})).join("\n")}\n`);
  await cluster.coordinator();
  await cluster.worker("web1");
  await cluster.worker("web2");
  slow = await cluster.worker("web3");
}

const logOf = (n, name = `web${n}.log`) =>
  `web${n}:${path.join(cluster.folder, "logs", name)}`;

// Runs as long as web3 stands still, which it does while it unpacks: that takes
// longer than the others take, and a second at least.
async function runningJob() {
  const job = cluster.submit(QUERY, logOf(1), logOf(2),
    logOf(3, "web3.log.bz2"), "--shard-size", "1MB");
  await until("it runs", () => JSON.parse(
    cluster.cli("status", String(job), "--json")).state === "running");
  slow.p.kill("SIGSTOP");
  return job;
}

// ---- what a reader does

async function loads(browser) {
  const faults = [];
  const p = await browser.newContext(WIDE).then(c => c.newPage());
  const sizes = [];
  p.on("response", r => {
    if (!r.url().includes("/stream/")) {
      sizes.push(r.finished().then(() => r.request().sizes()));
    }
  });
  p.on("console", m => faults.push(m.text()));
  await p.goto(cluster.url);
  await live(p);
  const paint = await until("a paint", () => p.evaluate(() =>
    performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
  const shown = await p.evaluate(() => performance.now());
  await p.waitForLoadState("load");
  const bytes = (await Promise.all(sizes)).reduce((sum, s) =>
    sum + s.responseBodySize + s.responseHeadersSize, 0);
  assert.ok(bytes > 50000 && bytes < 300000, `${bytes} bytes`);
  assert.ok(paint < 1000, `first paint after ${paint} ms`);
  assert.deepStrictEqual(faults, []);
  console.log(`${bytes} bytes, first paint after ${Math.round(paint)} ms, ` +
    `live within ${Math.round(shown)} ms`);
  await close(p);
}

async function sortsAndSearches(browser) {
  const faults = [];
  const p = await open(browser, "/", WIDE, faults);
  await live(p);
  const names = () => column(p, "workers", 1);
  assert.deepStrictEqual(await names(), ["web1", "web2", "web3"]);
  const head = p.locator("#workers thead button").first();
  await head.focus();
  await p.keyboard.press("Enter");
  assert.deepStrictEqual(await names(), ["web3", "web2", "web1"]);
  assert.strictEqual(await p.getAttribute("#workers thead th:nth-child(1)",
    "aria-sort"), "descending");
  await p.getByLabel("Search workers").fill("WEB2");
  assert.deepStrictEqual(await names(), ["web2"]);
  await p.getByLabel("Search workers").fill("");
  await p.getByLabel("Search events").fill("worker-up");
  assert.deepStrictEqual(new Set(await column(p, "events", 2)),
    new Set(["worker-up"]));
  await calm(p, faults);
  await close(p);
}

const looks = p => p.evaluate(() => [
  getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector("section")).backgroundColor]);

async function switchesTheme(browser) {
  const faults = [];
  const p = await open(browser, "/", WIDE, faults);
  await live(p);
  const before = await looks(p);
  await p.getByRole("button", {name: "Dark theme"}).click();
  const dark = await looks(p);
  assert.notDeepStrictEqual(dark, before);
  await p.reload(); // it is remembered
  assert.deepStrictEqual(await looks(p), dark);
  await p.getByRole("button", {name: "Light theme"}).click();
  assert.deepStrictEqual(await looks(p), before);
  await live(p);
  await calm(p, faults);
  await close(p);
}

// From the list to the job, its rows as they stand, its end, and the report.
async function followsJob(browser) {
  const faults = [];
  const p = await open(browser, "/", WIDE, faults);
  const job = await runningJob();
  await p.locator(`#jobs a[href="/jobs/${job}"]`).click();
  await until("rows as they stand", () => p.evaluate(() =>
    document.querySelector("#results .note")?.textContent
      .startsWith("As it stands")));
  await until("most of it is counted", async () => {
    const [done, all] = (await p.textContent("#f-shards")).match(/\d+/g);
    return Number(done) === Number(all) - 1;
  });
  assert.match(await p.textContent("#share"), /^\d\d? % read/);
  assert.strictEqual(await p.textContent("#f-state"), "running");
  assert.match(await p.textContent("#report-link"), /as it stands/);
  assert.ok((await column(p, "results", 2)).length > 10);
  await until("a chart", () => p.evaluate(() => {
    const c = document.querySelector("#results canvas");
    return c && c.getContext("2d").getImageData(0, 0, c.width, c.height).data
      .some(b => b);
  }));
  await pictures(browser, "job-running", `/jobs/${job}`, q => until(
    "rows", () => q.evaluate(() => document.querySelector("#results canvas"))));
  slow.p.kill("SIGCONT");
  await until("the end", async () =>
    await p.textContent("#f-state") === "done", 60000);
  await until("the whole rows", () => p.evaluate(() =>
    document.querySelector("#h-receipt").textContent === "Receipt"));
  assert.strictEqual(await p.textContent("#link"), "Ended");
  await calm(p, faults);
  await p.getByRole("link", {name: "The report"}).click();
  await until("the report", () => p.evaluate(() =>
    document.querySelector("#r0 tbody tr")));
  await calm(p, faults);
  await close(p);
  return job;
}

async function survivesRestart(browser) {
  const faults = [];
  const p = await open(browser, "/", WIDE, faults);
  await live(p);
  const jobs = await column(p, "jobs", 1);
  cluster.boss.p.kill("SIGKILL");
  await cluster.boss.gone;
  await until("it says so", () => p.evaluate(() =>
    document.querySelector("#link").textContent.startsWith("Disconnected")));
  assert.deepStrictEqual(await column(p, "jobs", 1), jobs); // still shown
  await p.screenshot({path: path.join(folder, "overview-disconnected.png")});
  await cluster.coordinator();
  await live(p);
  await until("the workers are back", async () =>
    await p.textContent("#f-workers") === "3 up");
  assert.deepStrictEqual(await column(p, "jobs", 1), jobs);
  const left = faults.filter(f => // nobody answered, the browser says
    !/net::ERR_(CONNECTION_|INCOMPLETE_CHUNKED|EMPTY_RESPONSE)/.test(f));
  await calm(p, left);
  await close(p);
}

// Queries, paths and rows that are hostile.
async function hostileJobs(browser) {
  const log = path.join(cluster.folder, "logs", "hostile.log");
  const texts = hostile.filter(s => /^[\x20-\x7e]{1,200}$/.test(s) &&
    !/["\\]/.test(s)).slice(0, 12);
  const jobs = texts.map(s => cluster.submit(
    `path = "${s}" | count by path, ua`, "-f", "json", `web1:${log}`));
  const all = cluster.submit("count by path, ua", "-f", "json", `web1:${log}`);
  const faults = [];
  const p = await open(browser, "/", WIDE, faults);
  await until("they are there", async () =>
    (await column(p, "jobs", 1)).includes(String(all)));
  const queries = (await column(p, "jobs", 7)).join("\n");
  for (const s of texts) assert.ok(queries.includes(s), s);
  await calm(p, faults);
  await p.goto(`${cluster.url}/jobs/${all}`);
  await until("its rows", async () =>
    (await column(p, "results", 2)).length > 100);
  const shown = new Set(await column(p, "results", 2));
  let n = 0;
  for (const s of hostile.filter(t => /^[\x20-\x7e]+$/.test(t))) {
    if (s !== "-") assert.ok(shown.has(s), s);
    n++;
  }
  for (const button of await p.locator("#results thead button").all()) {
    await button.click();
  }
  await p.locator("#results input").fill("<script>");
  await calm(p, faults);
  await p.goto(`${cluster.url}/jobs/${jobs[0]}`);
  await until("it has ended", async () =>
    await p.textContent("#link") === "Ended");
  await calm(p, faults);
  await close(p);
  return n;
}

async function missingJob(browser) {
  const faults = [];
  const p = await open(browser, "/jobs/999999", WIDE, faults);
  await until("it says so", async () =>
    (await p.textContent("#because")).includes("forgotten"));
  await calm(p, faults);
  await close(p);
}

// ---- a token

async function logsIn(browser) {
  const token = path.join(cluster.folder, "token");
  writeFileSync(token, "0123456789abcdef-secret\n", {mode: 0o600});
  cluster.boss.p.kill("SIGTERM");
  await cluster.boss.gone;
  await cluster.coordinator("--dashboard-token", token);
  const faults = [];
  const p = await open(browser, "/", WIDE, faults);
  await until("the login", () => p.url().endsWith("/login"));
  await p.getByLabel("Token").fill("not the token at all");
  await p.getByRole("button", {name: "Log in"}).click();
  await until("no", async () =>
    (await p.textContent("#wrong")).includes("not the token"));
  faults.length = 0; // the browser tells of the 401
  await p.getByLabel("Token").fill("0123456789abcdef-secret");
  await p.keyboard.press("Enter");
  await p.waitForURL(`${cluster.url}/`);
  await live(p);
  assert.strictEqual(await p.evaluate(() => document.cookie), "");
  await calm(p, faults);
  await close(p);
}

// ---- every page

async function accessible(browser, page, ready) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1440, 375]) {
      const p = await open(browser, page, {colorScheme, bypassCSP: true,
        viewport: {width, height: 900}}, []);
      await ready(p);
      await holdToAxe(p, axe);
      await close(p);
    }
  }
}

async function pictures(browser, name, page, ready) {
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"]) {
      const faults = [];
      const p = await open(browser, page,
        {viewport: {width, height: 900}, colorScheme}, faults);
      await live(p);
      await ready(p);
      await p.screenshot({fullPage: true,
        path: path.join(folder, `${name}-${width}-${colorScheme}.png`)});
      await calm(p, faults);
      await close(p);
    }
  }
}

const rows = p => until("rows", () => p.evaluate(() =>
  document.querySelector("tbody td")));

const browser = await chromium.launch({
  executablePath: process.env.BROWSER_PROGRAM || "/usr/bin/chromium",
  args: process.getuid() === 0 ? ["--no-sandbox"] : []});
try {
  await setUp();
  await loads(browser);
  const job = await followsJob(browser);
  await sortsAndSearches(browser);
  await switchesTheme(browser);
  await missingJob(browser);
  await accessible(browser, `/jobs/${job}`, rows);
  await pictures(browser, "job", `/jobs/${job}`, rows);
  await survivesRestart(browser);
  const texts = await hostileJobs(browser);
  await accessible(browser, "/", rows);
  await pictures(browser, "overview", "/", rows);
  await logsIn(browser);
  await accessible(browser, "/login", async () => {});
  console.log(`dashboard: a job followed to its end, a restart survived, ` +
    `${texts} hostile texts shown, none ran; no fault of axe-core; pictures ` +
    `in ${folder}`);
} finally {
  await browser.close();
  await cluster?.close();
}
