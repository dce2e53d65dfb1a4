#!/usr/bin/env node
// Has a browser load a page of 200 images over HTTP/2, and checks how each came:
//
//     cargo build --release -p wharf --features tls-self-signed --example conformance
//     node conformance/browser.mjs target/release/examples/conformance [BROWSER]
//
// BROWSER is Chromium or one that takes its options (default: chromium), which is started without a
// window and asked through its debugging protocol, over pipes. The certificate is one of the run, and
// the browser is told by what it knows the key. The page is loaded afresh three times; each image has
// to be there whole, and to have come by `h2`, over one connection.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const IMAGES = 200;
const LOADS = 3;
const PATIENCE_MS = 60_000;

// What the page knows of itself, once it is loaded.
const REPORT = `(() => {
  const entries = performance.getEntriesByType("resource");
  const page = performance.getEntriesByType("navigation")[0];
  const images = [...document.images];
  return {
    images: images.length,
    whole: images.filter((image) => image.complete && image.naturalWidth === 9).length,
    protocols: [...new Set([page, ...entries].map((entry) => entry.nextHopProtocol))],
    entries: entries.length,
    connections: [page, ...entries].filter((e) => e.secureConnectionStart > e.startTime).length,
    milliseconds: Math.round(page.loadEventStart),
  };
})()`;

const [server, browser = "chromium"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "wharf-browser-"));
const children = [];

function start(command, args, stdio) {
  const child = spawn(command, args, { stdio });
  child.on("error", (error) => fail(`${command}: ${error.message}`));
  children.push(child);
  return child;
}

async function end(code) {
  await Promise.all(
    children.map(
      (child) =>
        new Promise((resolve) => {
          if (child.exitCode !== null || child.pid === undefined) return resolve();
          child.on("exit", resolve);
          child.kill();
        }),
    ),
  );
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}

function fail(text) {
  console.error(`FAILED: browser: ${text}`);
  end(1);
}

/** The origin at which the server speaks TLS. */
function listen() {
  execFileSync("bash", [join(dirname(fileURLToPath(import.meta.url)), "certificates.sh"), folder]);
  const pair = ["--tls-cert", join(folder, "cert.pem"), "--tls-key", join(folder, "key.pem")];
  const child = start(server, ["--listen-tls", "127.0.0.1:0", ...pair], ["ignore", "pipe", "inherit"]);
  return new Promise((resolve) => {
    createInterface({ input: child.stdout }).once("line", (line) => {
      resolve(`https://localhost:${line.split(":").at(-1)}`);
    });
  });
}

/** A function that sends a command to the browser and gives its result. */
function open() {
  const key = readFileSync(join(folder, "key.sha256"), "utf8").trim();
  const child = start(
    browser,
    [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${join(folder, "profile")}`,
      `--ignore-certificate-errors-spki-list=${key}`,
    ],
    ["ignore", "ignore", "ignore", "pipe", "pipe"],
  );
  const [input, output] = [child.stdio[3], child.stdio[4]];
  const waiting = new Map();
  const listeners = new Set();
  let [last, rest] = [0, ""];
  output.setEncoding("utf8");
  output.on("data", (text) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop();
    for (const message of messages.map((one) => JSON.parse(one))) {
      const { id, method, params, result, error } = message;
      if (method) listeners.forEach((listener) => listener(method, params));
      else if (error) waiting.get(id).reject(new Error(error.message));
      else waiting.get(id).resolve(result);
    }
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
  return { send, listeners };
}

async function main() {
  const origin = await listen();
  const { send, listeners } = open();
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const ask = (method, params) => send(method, params, sessionId);
  await ask("Page.enable");
  await ask("Network.enable");
  await ask("Network.setCacheDisabled", { cacheDisabled: true });
  await ask("Log.enable");
  const faults = [];
  listeners.add((method, params) => {
    if (method === "Network.loadingFailed") faults.push(params.errorText);
    if (method === "Log.entryAdded" && params.entry.level === "error") faults.push(params.entry.text);
  });
  const reports = [];
  for (let load = 0; load < LOADS; load += 1) {
    const loaded = new Promise((resolve) => {
      listeners.add((method) => method === "Page.loadEventFired" && resolve());
    });
    const { errorText } = await ask("Page.navigate", { url: `${origin}/pages/${IMAGES}` });
    if (errorText) return fail(errorText);
    await loaded;
    const { result } = await ask("Runtime.evaluate", { expression: REPORT, returnByValue: true });
    const { milliseconds, connections, ...seen } = result.value;
    // The icon may be asked for as well, and is not there.
    const wanted = { images: IMAGES, whole: IMAGES, protocols: ["h2"], entries: IMAGES };
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) return fail(JSON.stringify(seen));
    if (connections > 1) return fail(`${connections} connections`);
    reports.push(`${milliseconds} ms`);
  }
  const unwanted = faults.filter((fault) => !fault.includes("404"));
  if (unwanted.length > 0) return fail(unwanted.join(", "));
  const { product } = await send("Browser.getVersion");
  console.log(`${product}: a page with ${IMAGES} images by h2, over one connection (${reports.join(", ")})`);
  return end(0);
}

setTimeout(() => fail("nothing happens"), PATIENCE_MS).unref();
main().catch((error) => fail(error.message));
