// SPDX-License-Identifier: Apache-2.0
// What all pages of the dashboard share: numbers as people read them, the
// theme, and the stream of news. Text reaches a page through textContent alone.
(() => {
"use strict";
const QUIET_MS = 8000;  // without news, the coordinator is as good as gone
const RETRY_MS = 1000;

const byId = id => document.getElementById(id);

const make = (name, props = {}, ...children) => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key in e) e[key] = value; else e.setAttribute(key, value);
  }
  e.append(...children);
  return e;
};

// Only when it changes: so that a selection stays, and nobody is told again.
const put = (e, text) => {
  if (e.textContent !== text) e.textContent = text;
};

// ---- numbers

const count = n => n.toLocaleString("en");

function bytes(n) {
  const names = ["B", "KB", "MB", "GB", "TB", "PB"];
  let i = 0;
  while (n >= 999.5 && i + 1 < names.length) { n /= 1000; i++; }
  return `${i === 0 ? n : n < 9.95 ? n.toFixed(1) : Math.round(n)} ${names[i]}`;
}

const rate = n => `${bytes(n)}/s`;

function duration(ms) {
  const s = Math.floor(ms / 1000);
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (s < 60) return ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

const pad = n => String(n).padStart(2, "0");

// By the clock of the reader.
function clock(ms) {
  const t = new Date(ms);
  return `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}`;
}

function stamp(ms) {
  const t = new Date(ms);
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())} ` +
    clock(ms);
}

const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

// ---- the theme

const redraw = [];     // functions that draw again in other colours

function themes() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = make("button", {type: "button", id: "theme"});
  const isDark = () => root.dataset.theme ?
    root.dataset.theme === "dark" : system.matches;
  const show = () => {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
    redraw.forEach(draw => draw());
  };
  // A browser may keep nothing for us; the theme is then that of the system.
  const kept = (...value) => {
    try {
      if (value.length) localStorage.setItem("logtally-theme", value[0]);
      return localStorage.getItem("logtally-theme");
    } catch {
      return null;
    }
  };

  if (["light", "dark"].includes(kept())) root.dataset.theme = kept();
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    show();
  });
  addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    show();
  });
  byId("top").append(button);
  show();
}

const color = name =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---- the stream

// on: what to do with each kind of event. It is tried again for ever; what was
// shown stays, and the page says that it is old.
function follow(path, on) {
  let source = null;
  let heard = 0;
  let timer = 0;

  const say = (state, text) => {
    document.body.dataset.link = state;
    put(byId("link"), text);
  };

  async function retry() {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    say("down", "Disconnected, trying again");
    try {
      const answer = await fetch("/session", {cache: "no-store",
        signal: AbortSignal.timeout(5000)});
      if (answer.status === 401) { location.replace("/login"); return; }
    } catch { /* not there yet */ }
    timer = setTimeout(open, RETRY_MS);
  }

  function open() {
    clearTimeout(timer);
    if (source) source.close();
    source = new EventSource(path);
    heard = performance.now();
    for (const [name, run] of Object.entries(on)) {
      source.addEventListener(name, e => {
        heard = performance.now();
        say("up", "Live");
        run(JSON.parse(e.data));
      });
    }
    source.addEventListener("error", retry);
  }

  setInterval(() => {
    if (source && performance.now() - heard > QUIET_MS) retry();
  }, 1000);
  open();
  return {again: open, stop: text => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    say("up", text);
  }};
}

window.logtally = {byId, make, put, count, bytes, rate, duration, clock, stamp,
  plural, redraw, color, follow};
themes();
})();
