// SPDX-License-Identifier: Apache-2.0
// One job: how far it is, its rows as they stand with the charts of the report,
// and the receipt so far.
(() => {
"use strict";
const {byId, make, put, count, bytes, rate, duration, stamp, plural, redraw,
  follow, table, order} = window.logtally;
const {drawInto, compareDigits} = window.logtallyReport;
const id = Number(location.pathname.split("/")[2]);

let job = null;
let marks = [];        // [ms, bytes] of the last seconds
const shown = new Map(); // by index: a result and how it is shown

// ---- how far

const isOver = j => j.state !== "planning" && j.state !== "running";

function speed(j) {
  marks.push([j.now, j.bytes_done]);
  marks = marks.filter(m => j.now - m[0] <= 10000);
  const [ms, was] = marks[0];
  return j.now - ms >= 1000 && j.bytes_done > was ?
    (j.bytes_done - was) * 1000 / (j.now - ms) : 0;
}

function progress(j) {
  const part = j.bytes ? Math.min(1, j.bytes_done / j.bytes) : 0;
  const fast = isOver(j) ? 0 : speed(j);
  const left = fast ? (j.bytes - j.bytes_done) / fast * 1000 : 0;

  byId("progress").hidden = j.bytes === 0;
  byId("bar").value = Math.floor(part * 1000);
  put(byId("share"), `${Math.floor(part * 100)} % read` +
    (fast ? `, ${rate(fast)}` : "") +
    (left > 0 ? `, about ${duration(left)} left` : ""));
}

function report(j) {
  const link = byId("report-link");
  byId("report").hidden = !(j.result_bytes > 0 || j.standing?.rows.length);
  link.href = `/jobs/${id}/report`;
  put(link, isOver(j) ? "The report" : "The report as it stands");
  put(byId("report-note"), isOver(j) ?
    "one page with charts, tables and receipt, to keep or to send" :
    `of ${bytes(j.standing?.bytes_done || 0)} that are counted`);
}

function because(j) {
  const missing = j.missing.length ?
    `Missing: ${j.missing.slice(0, 3).join("; ")}` +
    (j.missing.length > 3 ? ` and ${j.missing.length - 3 + j.missing_more} more` : "") : "";
  const text = [j.text === j.state ? "" : j.text, missing]
    .filter(t => t).join(". ");
  byId("because").hidden = text === "";
  put(byId("because"), text);
}

function takeJob(j) {
  const says = `Job ${id}`;
  job = j;
  document.title = `${says}, ${j.state} - logtally`;
  put(byId("title"), says);
  put(byId("query"), j.query);
  put(byId("sources"), j.sources.length ? `of ${j.sources.join(", ")}` : "");
  put(byId("f-state"), j.state);
  byId("f-state").className = `state ${j.state}`;
  put(byId("f-owner"), j.owner);
  put(byId("f-read"), `${bytes(j.bytes_done)} of ${bytes(j.bytes)}`);
  put(byId("f-files"), `${count(j.files)} on ` +
    plural(j.hosts, "host", "hosts"));
  put(byId("f-shards"), `${count(j.shards_done)} of ${count(j.shards)}` +
    (j.retried ? `, ${count(j.retried)} retried` : ""));
  put(byId("f-busy"), j.executors_busy === 0 ? "nobody" :
    plural(j.executors_busy, "executor", "executors"));
  put(byId("f-time"), isOver(j) ? duration(j.took_ms) :
    duration(j.now - j.submitted));
  byId("f-time").title = `submitted ${stamp(j.submitted)}`;
  progress(j);
  because(j);
  report(j);
  notes();
  if (j.result_bytes === 0) rest();
}

// ---- rows

function rowsNote(i, result) {
  const s = job?.standing;
  if (!job || isOver(job)) {
    return result.rows.length < result.all ?
      `The first ${count(result.rows.length)} of ${count(result.all)} rows.` : "";
  }
  const part = s?.bytes ? Math.floor(100 * s.bytes_done / s.bytes) : 0;
  const all = s?.rows[i] ?? result.all;
  return `As it stands, from ${part} % of the bytes` +
    (result.rows.length < all ?
      `; the first ${count(result.rows.length)} of ${count(all)} rows.` : ".");
}

function notes() {
  shown.forEach((s, i) => put(s.note, rowsNote(i, s.result)));
  const text = job?.standing?.text || "";
  if (text && !isOver(job) && shown.size === 0) {
    const old = byId("results").querySelector(".note");
    if (old) put(old, text);
    else byId("results").append(make("p", {className: "note",
      textContent: text}));
  }
}

const isNumber = type => !["text", "ip", "time"].includes(type);

// To sort by: as the report does.
function comparable(column) {
  const digits = text => text === null ? null : text.replace(/,/g, "");
  return isNumber(column.type) ?
    (a, b) => a === null || b === null ? (a === null) - (b === null) :
      compareDigits(digits(a), digits(b)) :
    (a, b) => order(a ?? "", b ?? "");
}

// The coordinator's order is the first column that can be sorted by: it is what
// the query says.
function columnsOf(result) {
  return [{name: "#", number: true, text: r => String(r.index + 1),
    value: r => r.index},
  ...result.shape.columns.map((c, i) => {
    const by = comparable(c);
    return {name: c.name, number: isNumber(c.type),
      className: c.type === "time" ? "t" : "", text: r => r.cells[i] ?? "-",
      value: r => r.rank[i],
      rank: rows => {
        const sorted = [...rows].sort((a, b) => by(a.cells[i], b.cells[i]));
        let rank = 0;
        sorted.forEach((r, k) => {
          if (k && by(sorted[k - 1].cells[i], r.cells[i]) !== 0) rank++;
          r.rank[i] = rank;
        });
      }};
  })];
}

// What report.js draws from: a table that is not in the page.
function drawable(result) {
  const body = make("tbody");
  for (const row of result.rows) {
    body.append(make("tr", {}, ...row.map(text => make("td", {
      className: text === null ? "none" : "", textContent: text ?? "-"}))));
  }
  return [...body.rows];
}

function draw(s) {
  const shape = s.result.shape;
  const chart = shape.values.length > 0 && s.result.rows.length > 1 &&
    !["none", "figures"].includes(shape.shape) &&
    (window.Chart || shape.shape === "heat");
  s.chart.hidden = !chart;
  if (!chart) return;
  shape.weekday = shape.columns[shape.x].name.startsWith("weekday(");
  drawInto(s.plot, drawable(s.result), shape,
    shape.values[s.value] || shape.values[0], s.result.name);
}

function section(i, result) {
  const s = {result, value: 0, note: make("p", {className: "note"}),
    chart: make("div", {className: "chart"}), plot: make("div")};
  const rows = make("div", {className: "rows"});
  const heading = make("h2", {id: `h${i}`, textContent: result.name});

  if (result.shape.values.length > 1) {
    const select = make("select");
    result.shape.values.forEach((v, k) => select.append(make("option",
      {value: String(k), textContent: result.shape.columns[v.column].name})));
    select.setAttribute("aria-label", `Column drawn in ${result.name}`);
    select.addEventListener("change", () => {
      s.value = Number(select.value);
      draw(s);
    });
    s.chart.append(make("div", {className: "tools"},
      make("label", {}, "Draw", select)));
  }
  s.chart.append(s.plot);
  s.columns = columnsOf(result);
  s.table = table(rows, {label: `rows of ${result.name}`, noun: ["row", "rows"],
    columns: s.columns,
    key: r => r.index, sort: [0, 1], empty: "No row."});
  byId("results").append(make("section", {"aria-labelledby": `h${i}`}, heading,
    make("p", {className: "query"},
      make("code", {textContent: result.query})), s.note,
    make("div", {className: "parts"}, s.chart, rows)));
  return s;
}

function takeResult(i, result) {
  if (!shown.has(i)) shown.set(i, section(i, result));
  const s = shown.get(i);
  const rows = result.rows.map((cells, index) => ({index, cells, rank: []}));
  s.result = result;
  s.columns.slice(1).forEach(c => c.rank(rows));
  s.table.rows.clear();
  rows.forEach(r => s.table.rows.set(r.index, r));
  s.table.draw();
  draw(s);
}

// ---- the receipt

function takeReceipt(r) {
  const line = (name, n, always) => n > 0 || always ?
    [make("tr", {}, make("th", {scope: "row", textContent: name}),
      make("td", {className: "n", textContent: count(n)}))] : [];
  const list = (title, texts) => texts.length ?
    [make("h3", {textContent: title}), make("ul", {}, ...texts.map(
      t => make("li", {textContent: t})))] : [];

  byId("receipt").hidden = false;
  put(byId("h-receipt"), r.complete || (job && isOver(job)) ? "Receipt" :
    "Receipt so far");
  byId("receipt-parts").replaceChildren(
    make("table", {className: "receipt"}, make("tbody", {},
      ...line("files", r.files, true), ...line("bytes read", r.bytes, true),
      ...line("lines", r.lines, true), ...line("accepted", r.accepted, true),
      ...line("rejected", r.rejected.total, true),
      ...Object.entries(r.rejected.reasons).flatMap(
        ([why, n]) => line(`of them ${why}`, n)),
      ...line("blank", r.blank), ...line("shards", r.shards, true),
      ...line("shards retried", r.retried))),
    ...list("Missing", r.missing), ...list("Notes", r.notes));
}

function takeRows(m) {
  if (!m.results) {
    byId("results").replaceChildren(make("p", {className: "note",
      textContent: m.text}));
    shown.clear();
    if (job?.over) stream.stop("Ended");
    return;
  }
  if (shown.size === 0) byId("results").replaceChildren();
  m.results.forEach((r, i) => takeResult(i, r));
  takeReceipt(m.receipt);
  notes();
  rest();
}

// What has ended does not change any more.
function rest() {
  if (job?.over && (job.result_bytes === 0 || shown.size > 0)) {
    stream.stop("Ended");
  }
}

function gone() {
  stream.stop("There is no such job");
  put(byId("title"), `There is no job ${id}`);
  byId("because").hidden = false;
  put(byId("because"), "It was never there, or it is forgotten.");
}

const stream = follow(`/stream/jobs/${id}`, {job: takeJob, rows: takeRows, gone});
redraw.push(() => shown.forEach(draw));
})();
