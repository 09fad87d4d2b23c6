// SPDX-License-Identifier: Apache-2.0
// Tables whose rows come and go: sorted, searched, and changed cell by cell, so
// that focus and selection stay where they are.
(() => {
"use strict";
const {make, put, count, plural} = window.logtally;
const SHOWN = 300;     // rows in the page; a search finds the others

const order = (a, b) => a < b ? -1 : a > b ? 1 : 0;

// columns: {name, text(row), value(row) to sort by, number, fill(td, row)}.
// key(row) tells rows apart. noun: what one row is, and what several are. sort: [column, direction] at the beginning.
function table(place, {label, noun, columns, key, sort, empty, rowClass}) {
  const rows = new Map();    // by key: what it is
  const lines = new Map();   // by key: its element
  let by = sort;
  let wanted = "";

  const heads = columns.map((c, i) => {
    const button = make("button", {type: "button", textContent: c.name});
    button.addEventListener("click", () => {
      const first = c.number ? -1 : 1;
      by = by[0] !== i ? [i, first] : by[1] === first ? [i, -first] : sort;
      draw();
    });
    return make("th", {scope: "col", className: c.number ? "n" : ""}, button);
  });
  const body = make("tbody");
  const input = make("input", {type: "search", autocomplete: "off",
    spellcheck: false});
  const told = make("p", {role: "status"});
  input.setAttribute("aria-label", `Search ${label}`);
  input.addEventListener("input", () => {
    wanted = input.value.toLowerCase();
    draw();
  });
  const none = make("p", {className: "note", textContent: empty});
  const scroll = make("div", {className: "scroll", role: "region", tabIndex: 0},
    make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body));
  scroll.setAttribute("aria-label", label);
  place.append(
    make("div", {className: "tools"}, make("label", {}, "Search", input), told),
    scroll, none);

  function compare(a, b) {
    const c = columns[by[0]];
    const value = c.value || c.text;
    return by[1] * order(value(a), value(b)) ||
      order(String(key(a)), String(key(b)));
  }

  function fill(line, row) {
    columns.forEach((c, i) => {
      const td = line.cells[i];
      if (c.fill) c.fill(td, row); else put(td, c.text(row));
    });
    const name = rowClass ? rowClass(row) : "";
    if (line.className !== name) line.className = name;
  }

  function lineOf(row) {
    const k = key(row);
    if (!lines.has(k)) {
      const line = make("tr", {}, ...columns.map(c =>
        make("td", {className: c.number ? "n" : c.className || ""})));
      lines.set(k, line);
    }
    return lines.get(k);
  }

  const matches = row => wanted === "" || columns.some(c =>
    c.text(row).toLowerCase().includes(wanted));

  function draw() {
    const found = [...rows.values()].filter(matches).sort(compare);
    const shown = found.slice(0, SHOWN);
    const kept = new Set(shown.map(key));
    for (const [k, line] of lines) {
      if (!kept.has(k)) { line.remove(); lines.delete(k); }
    }
    shown.forEach((row, i) => {
      const line = lineOf(row);
      fill(line, row);
      if (body.rows[i] !== line) body.insertBefore(line, body.rows[i] || null);
    });
    heads.forEach((th, i) => {
      if (i === by[0]) {
        th.setAttribute("aria-sort", by[1] > 0 ? "ascending" : "descending");
      } else {
        th.removeAttribute("aria-sort");
      }
    });
    const all = plural(rows.size, ...noun);
    put(told, found.length > SHOWN ?
      `the first ${SHOWN} of ${plural(found.length, ...noun)}` :
      wanted ? `${count(found.length)} of ${all}` : all);
    none.hidden = rows.size > 0;
    scroll.hidden = rows.size === 0;
  }

  return {rows, draw};
}

Object.assign(window.logtally, {table, order});
})();
