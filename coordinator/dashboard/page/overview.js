// SPDX-License-Identifier: Apache-2.0
// Everything at a glance. The first message has all of it, the others what has
// changed; where that does not add up, all of it is asked for again.
(() => {
"use strict";
const {byId, make, put, count, bytes, rate, duration, clock, stamp, plural,
  redraw, color, follow, table} = window.logtally;
const ENDED = 200;     // jobs, as many as the coordinator tells
const EVENTS = 512;
const FLOW = 900;      // seconds
const AGAIN_MS = 5000; // between two times that all is asked for again

let now = Date.now();  // of the coordinator
let flow = [];         // bytes of each second, the last is the newest
let flowNext = 0;
let askedAgain = 0;

const isOver = j => j.state !== "planning" && j.state !== "running";

// ---- tables

const badge = (td, text, kind) => {
  const old = td.firstElementChild;
  if (old && old.textContent === text) return;
  td.replaceChildren(make("span", {className: `badge ${kind}`,
    textContent: text}));
};

const share = j => j.bytes > 0 ?
  Math.min(100, Math.floor(100 * j.bytes_done / j.bytes)) :
  isOver(j) && j.state === "done" ? 100 : 0;

const tookOf = j => isOver(j) ? j.took_ms : now - j.submitted;

const jobs = table(byId("jobs"), {
  label: "jobs", noun: ["job", "jobs"], key: j => j.job, sort: [0, -1],
  empty: "No job has been taken yet.",
  columns: [
    {name: "Job", number: true, text: j => String(j.job), value: j => j.job,
      fill: (td, j) => {
        if (td.firstChild) return;
        td.append(make("a", {href: `/jobs/${j.job}`,
          textContent: String(j.job)}));
      }},
    {name: "State", text: j => j.state,
      fill: (td, j) => badge(td, j.state, j.state)},
    {name: "Done", number: true, text: j => `${share(j)} %`, value: share},
    {name: "Size", number: true, text: j => bytes(j.bytes), value: j => j.bytes},
    {name: "Time", number: true, text: j => duration(tookOf(j)), value: tookOf},
    {name: "Owner", text: j => j.owner},
    {name: "Query", text: j => j.query, className: "long"},
    {name: "Says", text: j => j.text, className: "long"},
  ],
});

const silentOf = w => w.silent_since ? now - w.silent_since : 0;

const workers = table(byId("workers"), {
  label: "workers", noun: ["worker", "workers"], key: w => w.name, sort: [0, 1],
  empty: "No worker has registered yet.",
  columns: [
    {name: "Worker", text: w => w.name},
    {name: "State", text: w => w.state,
      fill: (td, w) => badge(td, w.state, w.state)},
    {name: "Reading", number: true, text: w => w.rate ? rate(w.rate) : "-",
      value: w => w.rate},
    {name: "Shards", number: true, text: w => count(w.held), value: w => w.held},
    {name: "Cores", number: true, text: w => count(w.executors),
      value: w => w.executors},
    {name: "Read", number: true, text: w => bytes(w.read), value: w => w.read},
    {name: "Heard", number: true, value: silentOf,
      text: w => w.silent_since ? `${duration(silentOf(w))} ago` : "now"},
    {name: "Address", text: w => w.address},
    {name: "Sandbox", text: w => w.sandbox || "-"},
    {name: "Labels", text: w => w.labels},
    {name: "Software", text: w => w.software},
  ],
});

const events = table(byId("events"), {
  label: "events", noun: ["event", "events"], key: e => e.number, sort: [0, -1],
  empty: "Nothing has happened yet.",
  rowClass: e => e.level,
  columns: [
    {name: "Time", text: e => stamp(e.at), value: e => e.number, className: "t"},
    {name: "Event", text: e => e.event, className: "t"},
    {name: "Job", number: true, text: e => e.job ? String(e.job) : "",
      value: e => e.job, fill: (td, e) => {
        if (td.firstChild || !e.job) return;
        td.append(make("a", {href: `/jobs/${e.job}`,
          textContent: String(e.job)}));
      }},
    {name: "Worker", text: e => e.worker},
    {name: "What", text: e => e.text, className: "long"},
  ],
});

// ---- throughput

let chart = null;

function smooth(list) {
  return list.map((_, i) => {
    const near = list.slice(Math.max(0, i - 2), i + 1);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

// The seconds asked for, the last is the newest; those that nobody knows of
// are left empty.
function points() {
  const n = Number(byId("span").value);
  const known = smooth(flow).slice(-n);
  const values = [...Array(n - known.length).fill(null), ...known];
  return {values, labels: values.map((_, i) =>
    clock(now - (values.length - 1 - i) * 1000))};
}

function options() {
  const text = {color: color("--soft"), maxRotation: 0, autoSkipPadding: 24};
  return {
    responsive: true, maintainAspectRatio: false, animation: false,
    interaction: {mode: "index", intersect: false},
    scales: {
      x: {grid: {display: false}, ticks: text},
      y: {beginAtZero: true, suggestedMax: 1000, grid: {color: color("--grid")},
        ticks: {...text, maxTicksLimit: 6, callback: v => rate(v)}},
    },
    plugins: {legend: {display: false},
      tooltip: {callbacks: {label: i => rate(i.parsed.y)}}},
  };
}

function drawFlow() {
  const {values, labels} = points();
  const most = Math.max(0, ...values);
  const text = flow.length === 0 ? "Nothing is known yet." :
    `Now ${rate(values[values.length - 1])}, at most ${rate(most)}; each point ` +
    "is the mean of three seconds.";

  put(byId("flow-text"), text);
  byId("flow").setAttribute("aria-label", `Throughput. ${text}`);
  if (!window.Chart) {
    byId("flow").parentElement.hidden = true;
    return;
  }
  if (chart) {
    chart.data.labels = labels;
    chart.data.datasets[0].data = values;
    chart.update("none");
    return;
  }
  chart = new window.Chart(byId("flow"), {type: "line", options: options(),
    data: {labels, datasets: [{data: values, borderColor: color("--c1"),
      backgroundColor: `${color("--c1")}33`, fill: "origin", borderWidth: 1.5,
      pointRadius: 0, pointHitRadius: 8}]}});
}

function drawFlowAnew() {
  if (chart) chart.destroy();
  chart = null;
  drawFlow();
}

function takeFlow(m) {
  if (m.all || m.flow.second !== flowNext) flow = [];
  flow.push(...m.flow.bytes);
  flowNext = m.flow.second + m.flow.bytes.length;
  flow = flow.slice(-FLOW);
}

// ---- messages

function takeRows(m, live, rows) {
  if (m.all) live.rows.clear();
  for (const row of rows) live.rows.set(row.job ?? row.name, row);
}

function dropOld() {
  const over = [...jobs.rows.values()].filter(isOver)
    .sort((a, b) => b.job - a.job);
  for (const j of over.slice(ENDED)) jobs.rows.delete(j.job);
}

function takeEvents(m) {
  if (m.all) events.rows.clear();
  for (const e of m.events) events.rows.set(e.number, e);
  const numbers = [...events.rows.keys()];
  for (const n of numbers.slice(0, Math.max(0, numbers.length - EVENTS))) {
    events.rows.delete(n);
  }
}

function figures(m) {
  const lost = m.workers_lost ? `, ${count(m.workers_lost)} lost` : "";

  put(byId("version"), m.version);
  put(byId("f-workers"), `${count(m.workers_up)} up${lost}`);
  byId("f-workers").className = m.workers_lost ? "bad" : "";
  put(byId("f-executors"), count(m.executors));
  put(byId("f-jobs"), count(m.jobs_running));
  put(byId("f-rate"), rate(m.rate));
  put(byId("f-read"), bytes(m.read));
  put(byId("f-lines"), m.rejected ?
    `${count(m.lines)}, ${count(m.rejected)} rejected` : count(m.lines));
  byId("stuck").hidden = m.stuck === "";
  put(byId("stuck"), m.stuck === "" ? "" :
    `The journal cannot be written (${m.stuck}): jobs wait.`);
  document.title = m.jobs_running ?
    `${plural(m.jobs_running, "job", "jobs")} running - logtally` : "logtally";
}

function take(m) {
  now = m.now;
  takeRows(m, jobs, m.jobs);
  takeRows(m, workers, m.workers);
  dropOld();
  takeFlow(m);
  takeEvents(m);
  const adds = jobs.rows.size === m.jobs_shown &&
    workers.rows.size === m.workers_up + m.workers_lost;
  if (!adds && performance.now() - askedAgain > AGAIN_MS) {
    askedAgain = performance.now();
    stream.again();
  }
  figures(m);
  jobs.draw();
  workers.draw();
  if (m.all || m.events.length) events.draw();
  drawFlow();
}

const stream = follow("/stream/overview", {overview: take});
byId("span").addEventListener("change", drawFlow);
redraw.push(drawFlowAnew);
addEventListener("load", drawFlowAnew); // the chart library is there by then
})();
