// SPDX-License-Identifier: Apache-2.0
// What a page gains by a script: tables that sort and are searched, charts of
// their rows, a switch for the theme. Text reaches the page through textContent
// alone, and figures are read from the tables.
(() => {
"use strict";
// The dashboard has no such element: it draws what it gets (job.js).
const told = document.getElementById("shapes");
const shapes = told ? JSON.parse(told.textContent) : [];
const Chart = window.Chart;
const SERIES = 8;      // of one chart; what is left is put together
const BARS = 25;       // of a chart of rows
const POINTS = 20000;  // of a chart over time
const FILL = 2000;     // steps without a row that are drawn all the same
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const drawn = [];      // functions that draw a chart again

const make = (name, props = {}, ...children) => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key in e) e[key] = value; else e.setAttribute(key, value);
  }
  e.append(...children);
  return e;
};

// ---- cells

const isNone = cell => cell.classList.contains("none");
const digitsOf = cell => cell.textContent.replace(/,/g, "");
const numberOf = cell => isNone(cell) ? null : Number(digitsOf(cell));
const isNumber = type => !["text", "ip", "time"].includes(type);

// Numbers may have more digits than a double holds.
function compareDigits(a, b) {
  const minus = a.startsWith("-");
  if (minus !== b.startsWith("-")) return minus ? -1 : 1;
  const [wholeA, restA = ""] = (minus ? a.slice(1) : a).split(".");
  const [wholeB, restB = ""] = (minus ? b.slice(1) : b).split(".");
  const order = wholeA.length - wholeB.length ||
    (wholeA < wholeB ? -1 : wholeA > wholeB ? 1 : 0) ||
    (restA < restB ? -1 : restA > restB ? 1 : 0);
  return minus ? -order : order;
}

function compareCells(a, b, type) {
  if (isNone(a) || isNone(b)) return isNone(b) - isNone(a);
  if (isNumber(type)) return compareDigits(digitsOf(a), digitsOf(b));
  if (type === "time") {
    const order = Date.parse(a.textContent) - Date.parse(b.textContent);
    if (order) return order;
  }
  return a.textContent < b.textContent ? -1 :
    a.textContent > b.textContent ? 1 : 0;
}

// ---- tables

function sortable(table, shape) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];

  function sort(column, direction) {
    const type = shape.columns[column].type;
    const rows = [...first];
    if (direction) {
      rows.sort((a, b) => direction *
        compareCells(a.cells[column], b.cells[column], type));
    }
    body.replaceChildren(...rows);
    heads.forEach((th, i) => {
      if (i === column && direction) {
        th.setAttribute("aria-sort",
          direction > 0 ? "ascending" : "descending");
      } else {
        th.removeAttribute("aria-sort");
      }
    });
  }

  // Down, up, and as the query had them; texts up first.
  heads.forEach((th, column) => {
    const name = th.textContent;
    const begin = isNumber(shape.columns[column].type) ? -1 : 1;
    const button = make("button", {type: "button", textContent: name});
    button.addEventListener("click", () => {
      const is = {ascending: 1, descending: -1}[th.ariaSort] || 0;
      sort(column, is === 0 ? begin : is === begin ? -begin : 0);
    });
    th.replaceChildren(button);
  });
}

function searchable(table, heading, before) {
  const rows = [...table.tBodies[0].rows];
  const count = make("p", {role: "status"});
  const input = make("input", {type: "search", autocomplete: "off",
    spellcheck: false});
  const label = make("label", {}, "Search", input);
  input.setAttribute("aria-label", `Search ${heading}`);

  const filter = () => {
    const wanted = input.value.toLowerCase();
    let n = 0;
    for (const row of rows) {
      row.hidden = wanted !== "" && ![...row.cells].some(
        c => c.textContent.toLowerCase().includes(wanted));
      n += !row.hidden;
    }
    const all = rows.length.toLocaleString("en");
    count.textContent = wanted === "" ? `${all} rows` :
      `${n.toLocaleString("en")} of ${all} rows`;
  };
  input.addEventListener("input", filter);
  filter();
  before.before(make("div", {className: "tools"}, label, count));
}

// ---- figures as labels

const units = (v, names, base) => {
  let i = 0;
  let x = Math.abs(v);
  while (x >= base && i + 1 < names.length) { x /= base; i++; }
  const text = i && x < 100 ? x.toFixed(1).replace(/\.0$/, "") :
    String(Number(x.toPrecision(6)));
  return (v < 0 ? "-" : "") + text + names[i];
};

function short(v, type) {
  if (type === "size") return units(v, [" B", " KB", " MB", " GB", " TB"], 1000);
  if (type === "duration") {
    return v !== 0 && Math.abs(v) < 1 ? `${Number((v * 1000).toPrecision(4))} ms`
      : `${Number(v.toPrecision(6))} s`;
  }
  return units(v, ["", "k", "M", "G", "T"], 1000);
}

const cut = (text, most) =>
  text.length > most ? `${[...text].slice(0, most - 1).join("")}…` : text;

// ---- what is drawn

const color = name =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const seriesColor = (i, other) =>
  color(other ? "--c9" : `--c${i % SERIES + 1}`);

const labelOf = (row, columns) =>
  columns.map(i => row.cells[i].textContent).join(" · ");

// A series for each text of the keys beside x: its values, and the same as the
// table writes them, by x.
function gather(rows, shape, value, x, xOf) {
  const others = [];
  for (let i = 0; i < shape.keys; i++) if (i !== x) others.push(i);
  const series = new Map();
  for (const row of rows) {
    const at = xOf(row);
    if (at === null) continue;
    const label = others.length ? labelOf(row, others) : "";
    if (!series.has(label)) {
      series.set(label, {label, values: new Map(), texts: new Map(), sum: 0});
    }
    const s = series.get(label);
    const v = numberOf(row.cells[value.column]);
    s.values.set(at, v);
    s.texts.set(at, row.cells[value.column].textContent);
    s.sum += Math.abs(v || 0);
  }
  return [...series.values()];
}

// The largest; the others as one where they add up.
function limit(series, adds) {
  if (series.length <= SERIES) return {series, left: 0};
  const order = [...series].sort((a, b) => b.sum - a.sum);
  const kept = order.slice(0, adds ? SERIES - 1 : SERIES);
  const left = order.slice(kept.length);
  if (adds) {
    const other = {label: `${left.length} others`, values: new Map(),
      texts: new Map(), other: true};
    for (const s of left) {
      for (const [x, v] of s.values) {
        other.values.set(x, (other.values.get(x) || 0) + (v || 0));
      }
    }
    kept.push(other);
  }
  return {series: kept, left: adds ? 0 : left.length};
}

// Steps between the first and the last x; those without a row too where that
// means zero.
function steps(xs, step, whole) {
  const sorted = [...new Set(xs)].sort((a, b) => a - b);
  const n = sorted.length ?
    (sorted[sorted.length - 1] - sorted[0]) / step + 1 : 0;
  if (!whole || !(step > 0) || n > FILL) return sorted;
  const out = new Set(sorted);
  for (let i = 0; i < n; i++) {
    out.add(Number((sorted[0] + i * step).toPrecision(15)));
  }
  return [...out].sort((a, b) => a - b);
}

const axisText = () => ({color: color("--soft"), maxRotation: 0,
  autoSkipPadding: 12});

function options(shape, value, stacked, legend, valueAxis, kindAxis) {
  const type = shape.columns[value.column].type;
  const horizontal = valueAxis === "x";
  return {
    responsive: true, maintainAspectRatio: false, animation: false,
    indexAxis: horizontal ? "y" : "x",
    interaction: {mode: "index", axis: horizontal ? "y" : "x",
      intersect: false},
    scales: {
      [valueAxis]: {stacked, beginAtZero: true,
        grid: {color: color("--grid")},
        border: {color: color("--line")},
        ticks: {...axisText(), callback: v => short(v, type),
          ...(type === "integer" ? {precision: 0} : {})}},
      [horizontal ? "y" : "x"]: {stacked, grid: {display: false},
        ...kindAxis, ticks: {...axisText(), ...kindAxis.ticks}},
    },
    plugins: {
      legend: {display: legend, position: "bottom",
        labels: {color: color("--text"), boxWidth: 12,
          generateLabels: chart =>
            Chart.defaults.plugins.legend.labels.generateLabels(chart)
              .map(l => ({...l, text: cut(l.text, 40),
                fontColor: color("--text")}))}},
      tooltip: {callbacks: {label: item => {
        const v = horizontal ? item.parsed.x : item.parsed.y;
        const name = item.dataset.label ?
          `${cut(item.dataset.label, 60)}: ` : "";
        return v === null ? "" : name +
          (item.dataset.texts[item.dataIndex] || v.toLocaleString("en"));
      }}},
    },
  };
}

const dataset = (s, i, xs, none, line, area) => ({
  label: s.label, data: xs.map(x => s.values.has(x) ? s.values.get(x) : none),
  texts: xs.map(x => s.texts.get(x)), borderColor: seriesColor(i, s.other),
  backgroundColor: seriesColor(i, s.other) + (line ? "55" : ""),
  fill: line && area ? (i ? "-1" : "origin") : false,
  borderWidth: line ? 1.5 : 0, pointRadius: 0, pointHitRadius: 8,
  maxBarThickness: 48,
});

// Over time, or over the steps of a number.
function overSteps(rows, shape, value) {
  const time = shape.shape === "time";
  const unit = time ? 1000 : 1;
  const texts = new Map();
  const xOf = row => {
    const cell = row.cells[shape.x];
    const x = isNone(cell) ? null :
      time ? Date.parse(cell.textContent) : numberOf(cell);
    if (x !== null && !Number.isFinite(x)) return null;
    if (x !== null) texts.set(x, cell.textContent);
    return x;
  };
  const all = gather(rows.slice(0, POINTS), shape, value, shape.x, xOf);
  const {series, left} = limit(all, value.adds);
  const fill = shape.whole && value.adds;
  const xs = steps([...texts.keys()], shape.step * unit, shape.whole);
  const stacked = value.adds && series.length > 1;
  const line = time && xs.length > 60;
  const labels = xs.map(x => texts.get(x) || (time ? stepText(x, texts) :
    String(x)));
  const day = time && shape.step % 86400 === 0;
  const notes = [];
  if (left) notes.push(`${left} smaller series are in the table alone.`);
  if (rows.length > POINTS) {
    notes.push(`The first ${POINTS.toLocaleString("en")} rows.`);
  }
  return {
    type: line ? "line" : "bar", notes,
    data: {labels, datasets: series.map((s, i) => dataset(s, i, xs,
      fill ? 0 : null, line, value.adds))},
    options: options(shape, value, stacked, series.length > 1, "y",
      {ticks: {callback(v) {
        return axisLabel(this.getLabelForValue(v), time, day, shape);
      }}}),
  };
}

// An instant without a row, written with the offset of the row before it.
function stepText(x, texts) {
  let near = "";
  let at = -Infinity;
  for (const [t, text] of texts) {
    if (t <= x && t > at) { at = t; near = text; }
  }
  const zone = (near.match(/(Z|[+-]\d\d:\d\d)$/) || ["Z"])[0];
  const minutes = zone === "Z" ? 0 : (zone[0] === "-" ? -1 : 1) *
    (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  return new Date(x + minutes * 60000).toISOString().slice(0, 19) + zone;
}

function axisLabel(text, time, day, shape) {
  if (!time) {
    const x = Number(text);
    return shape.weekday ? DAYS[x - 1] || text :
      short(x, shape.columns[shape.x].type);
  }
  return day ? text.slice(0, 10) : [text.slice(11, 16), text.slice(5, 10)];
}

// A bar for each row; parts of a bar where the second of two keys has few
// values.
function overRows(rows, shape, value) {
  const shown = rows.slice(0, BARS * (shape.keys === 2 ? 4 : 1));
  const seconds = new Set(shown.map(r => shape.keys === 2 ?
    r.cells[1].textContent : ""));
  const stacked = shape.keys === 2 && value.adds &&
    seconds.size <= SERIES && seconds.size < shown.length;
  const keys = [...Array(shape.keys).keys()];
  const x = stacked ? 0 : -1;
  const used = stacked ? shown : shown.slice(0, BARS);
  const nameOf = row => stacked ? row.cells[0].textContent :
    labelOf(row, keys);
  // Rows of equal labels stay rows of their own.
  const labels = stacked ? [...new Set(used.map(nameOf))].slice(0, BARS) :
    used.map(nameOf);
  const series = stacked ? gather(used, shape, value, x, nameOf) :
    [{label: "",
      values: new Map(used.map((r, i) =>
        [i, numberOf(r.cells[value.column])])),
      texts: new Map(used.map((r, i) =>
        [i, r.cells[value.column].textContent]))}];
  const narrow = window.innerWidth < 640;
  const drawnRows = stacked ? used.filter(r => labels.includes(nameOf(r))) :
    used;
  return {
    type: "bar", rows: labels.length,
    notes: drawnRows.length < rows.length ?
      [`The first ${drawnRows.length} of ` +
       `${rows.length.toLocaleString("en")} rows.`] : [],
    data: {labels, datasets: series.map((s, i) => ({...dataset(s, i,
      stacked ? labels : labels.map((l, k) => k), null, false),
      maxBarThickness: 22}))},
    options: options(shape, value, stacked, series.length > 1, "x",
      {ticks: {autoSkip: false, callback(v) {
        return cut(this.getLabelForValue(v), narrow ? 16 : 34);
      }}}),
  };
}

function heat(rows, shape, value) {
  const at = new Map(rows.map(r => [
    `${digitsOf(r.cells[shape.y])} ${digitsOf(r.cells[shape.x])}`,
    r.cells[value.column]]));
  const most = Math.max(1e-9, ...rows.map(r =>
    numberOf(r.cells[value.column]) || 0));
  const type = shape.columns[value.column].type;
  const name = shape.columns[value.column].name;
  const head = make("tr", {}, make("td", {textContent: ""}));
  const body = make("tbody");
  for (let h = 0; h < 24; h++) {
    head.append(make("th", {scope: "col", textContent: String(h)}));
  }
  DAYS.forEach((day, d) => {
    const tr = make("tr", {}, make("th", {scope: "row", textContent: day}));
    for (let h = 0; h < 24; h++) {
      const cell = at.get(`${d + 1} ${h}`);
      const v = cell ? numberOf(cell) : shape.whole && value.adds ? 0 : null;
      const td = make("td", {textContent: v === null ? "" : short(v, type),
        title: cell ? `${day} ${h}:00, ${cell.textContent}` : ""});
      td.style.setProperty("--part", String(Math.max(0, (v || 0) / most)));
      tr.append(td);
    }
    body.append(tr);
  });
  return make("div", {className: "scroll", role: "region", tabIndex: 0,
    "aria-label": `${name} by hour and weekday`},
  make("table", {className: "heat"},
    make("caption", {textContent: `${name} by hour of the day, in UTC`}),
    make("thead", {}, head), body));
}

// ---- a chart and what is around it

const words = {time: "Chart over time", steps: "Histogram", bars: "Bar chart"};

function drawInto(place, rows, shape, value, heading) {
  if (shape.shape === "heat") {
    place.replaceChildren(heat(rows, shape, value));
    return;
  }
  const config = (shape.shape === "bars" ? overRows : overSteps)(
    rows, shape, value);
  const canvas = make("canvas", {role: "img"});
  canvas.setAttribute("aria-label", `${words[shape.shape]} of ` +
    `${shape.columns[value.column].name}, ${heading}; the table has its ` +
    "figures");
  const plot = make("figure", {className: "plot"}, canvas);
  if (config.rows) plot.style.height = `${Math.max(8, config.rows * 1.5 + 5)}rem`;
  const old = place.querySelector("canvas");
  if (old && Chart.getChart(old)) Chart.getChart(old).destroy();
  place.replaceChildren(plot, ...config.notes.map(
    n => make("p", {className: "note", textContent: n})));
  new Chart(canvas, config);
}

function charted(section, table, shape) {
  const holder = section.querySelector(".chart");
  if (!holder || shape.values.length === 0) return;
  if (!Chart && shape.shape !== "heat") {
    if (!window.saidNoCharts) {
      window.saidNoCharts = true;
      document.querySelector("header").append(make("p", {className: "note",
        textContent: "The program that wrote this page was built without " +
        "its chart library, so there are tables alone."}));
    }
    return;
  }
  shape.weekday = shape.columns[shape.x].name.startsWith("weekday(");
  const heading = section.querySelector("h2").textContent;
  const rows = [...table.tBodies[0].rows]; // as the query has them
  const place = make("div");
  let value = shape.values[0];
  const draw = () => drawInto(place, rows, shape, value, heading);

  if (shape.values.length > 1) {
    const select = make("select");
    shape.values.forEach((v, i) => select.append(make("option",
      {value: String(i), textContent: shape.columns[v.column].name})));
    select.setAttribute("aria-label", `Column drawn in ${heading}`);
    select.addEventListener("change", () => {
      value = shape.values[Number(select.value)];
      draw();
    });
    holder.append(make("div", {className: "tools"},
      make("label", {}, "Draw", select)));
  }
  holder.append(place);
  holder.hidden = false;
  draw();
  drawn.push(draw);
}

// ---- the theme

const drawAll = () => drawn.forEach(draw => draw());

function themes() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ?
    root.dataset.theme === "dark" : system.matches;
  const button = make("button", {type: "button", id: "theme"});
  const name = () => {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
    drawAll();
  });
  system.addEventListener("change", () => { name(); drawAll(); });
  name();
  document.getElementById("top").append(button);

  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    drawAll();
  });
  addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    drawAll();
  });
}

if (told) themes(); else window.logtallyReport = {drawInto, compareDigits};
shapes.forEach((shape, i) => {
  const section = document.getElementById(`r${i}`);
  const table = section.querySelector("table");
  const heading = section.querySelector("h2").textContent;
  charted(section, table, shape);
  if (table.tBodies[0].rows.length > 1) {
    sortable(table, shape);
    searchable(table, heading, section.querySelector(".rows .scroll"));
  }
});
})();
