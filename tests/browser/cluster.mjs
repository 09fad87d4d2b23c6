// SPDX-License-Identifier: Apache-2.0
// Real daemons for a browser to look at: a coordinator with its dashboard, and
// workers. Everything listens on loopback.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import net from "node:net";
import path from "node:path";

export const until = async (what, condition, ms = 20000) => {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const value = await condition();
    if (value) return value;
    await new Promise(done => setTimeout(done, 20));
  }
  throw new Error(`not within ${ms} ms: ${what}`);
};

const freePort = () => new Promise(done => {
  const s = net.createServer();
  s.listen(0, "127.0.0.1", () => {
    const {port} = s.address();
    s.close(() => done(port));
  });
});

export class Cluster {
  constructor(build, folder) {
    Object.assign(this, {build, folder, running: []});
    rmSync(folder, {recursive: true, force: true});
    mkdirSync(path.join(folder, "logs"), {recursive: true});
    this.keys = path.join(folder, "keys");
    this.cli("keys", "init", this.keys);
  }

  cli(...args) {
    return execFileSync(path.join(this.build, "logtally"), args, {
      stdio: ["ignore", "pipe", "pipe"], env: this.env()}).toString();
  }

  env() {
    return {...process.env, LOGTALLY_COORDINATOR: this.endpoint ?? "",
      LOGTALLY_KEYS: path.join(this.keys, "issued", "admin")};
  }

  start(name, program, ...args) {
    const log = path.join(this.folder, `${name}.log`);
    const fd = openSync(log, "a");
    const p = spawn(path.join(this.build, program), args,
      {stdio: ["ignore", fd, fd]});
    closeSync(fd);
    const daemon = {p, log, said: text => readFileSync(log, "utf8").match(text),
      gone: new Promise(done => p.on("exit", done))};
    this.running.push(daemon);
    return daemon;
  }

  async coordinator(...options) {
    this.control ??= await freePort();
    this.sink ??= await freePort();
    this.port ??= await freePort();
    this.endpoint = `tcp://127.0.0.1:${this.control}`;
    this.boss = this.start(`coordinator${this.running.length}`,
      "logtally-coordinator", "--keys", this.keys, "--state",
      path.join(this.folder, "state"), "--listen", "127.0.0.1",
      "--control-port", `${this.control}`, "--sink-port", `${this.sink}`,
      "--dashboard", `127.0.0.1:${this.port}`, ...options);
    await until("coordinator-ready", () =>
      this.boss.said(/coordinator-ready/));
    this.url = `http://127.0.0.1:${this.port}`;
  }

  async worker(name) {
    this.cli("keys", "new", this.keys, name, "--role", "worker", "--host",
      name);
    const w = this.start(name, "logtally-worker", "--coordinator",
      this.endpoint, "--keys", path.join(this.keys, "issued", name), "--name",
      name, "--root", path.join(this.folder, "logs"), "--listen", "127.0.0.1",
      "--intake-port", "0", "-j", "1", "--allow-weak-sandbox");
    await until(`${name} registers`, () => w.said(/worker-registered/));
    return w;
  }

  // Its number; it goes on by itself.
  submit(...args) {
    return Number(this.cli("submit", ...args, "--detach").match(/\d+/)[0]);
  }

  async close() {
    for (const {p, gone} of this.running.reverse()) {
      p.kill("SIGCONT");
      p.kill("SIGTERM");
      await Promise.race([gone, new Promise(r => setTimeout(r, 8000))]);
      p.kill("SIGKILL");
    }
  }
}
