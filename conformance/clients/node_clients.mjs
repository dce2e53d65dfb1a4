#!/usr/bin/env node
// Sends mixed requests with Node's HTTP clients and checks every answer:
//
//     node node_clients.mjs URL VERSION [CLIENT...]
//
// Clients of HTTP/1.1 are fetch, node:http or node:https with a keep-alive agent, and undici (of
// which fetch is a part) with pipelining, if WHARF_NODE_PACKAGES names a folder in which it is
// installed; of HTTP/2 node:http2, with all requests as streams of one connection. Each sends 1,000
// requests, eight at a time, then uploads over the limit, each of which must show the 413, and gives
// up responses. fetch offers neither `Expect` nor `Connection`, and undici refuses `Expect`; neither
// tells of trailers. The authority to trust is that of NODE_EXTRA_CA_CERTS.
//
// node:http2 counts what it has not sent of a request that is over against the memory that its
// session may take, and opens no more streams once that is used up: it may take more than usually.

import { createHash } from "node:crypto";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import { createRequire } from "node:module";

const REQUESTS = 1000;
const TASKS = 8;
const REFUSALS = 50;
const LIMIT = 1 << 20;
const TOO_LARGE = 5 << 20;
const SIZES = [0, 1, 100, 1460, 4096, 16384, 65535, 65536, 65537, 200_000, LIMIT];
const PATTERN = Buffer.from(Array.from({ length: 2 << 20 }, (_, place) => place % 251));

const CANCELS = 20;
const ENDLESS = "/stream?pieces=1000000&bytes=1000";

const [origin, version, ...wanted] = process.argv.slice(2);
const isSecure = origin.startsWith("https:");
const way = `HTTP/${version}${isSecure ? " over TLS" : ""}`;

// A small generator with a seed (Mulberry32), so that a failure can be repeated.
let seed = 3;
function random(below) {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}
const choice = (list) => list[random(list.length)];

function randomBytes(count) {
  const start = random(1000);
  return Buffer.from(PATTERN.subarray(start, start + count));
}

function adler32(bytes) {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return (((high << 16) | low) >>> 0).toString(16).padStart(8, "0");
}

// A body is a buffer, or an array of buffers that is sent chunked.
const bytesOf = (count) => ({
  path: `/bytes?count=${count}`,
  fields: { "x-count": `${count}`, "content-length": `${count}` },
});
const KINDS = {
  small: () => ({ path: "/", want: Buffer.from("hello\n"), fields: { "content-length": "6" } }),
  head: () => ({ ...bytesOf(choice(SIZES)), method: "HEAD" }),
  bytes: () => {
    const count = choice(SIZES);
    return { ...bytesOf(count), want: PATTERN.subarray(0, count) };
  },
  large: () => ({ ...bytesOf(2 << 20), want: PATTERN }),
  stream: () => {
    const [pieces, bytes] = [choice([0, 1, 10, 100]), choice([1, 100, 10_000])];
    const want = PATTERN.subarray(0, pieces * bytes);
    return { path: `/stream?pieces=${pieces}&bytes=${bytes}`, want };
  },
  trailers: () => {
    const [pieces, bytes] = [choice([0, 1, 10]), choice([1, 10_000])];
    const want = PATTERN.subarray(0, pieces * bytes);
    const path = `/trailers?pieces=${pieces}&bytes=${bytes}`;
    return { path, want, trailers: { "x-checksum": adler32(want) } };
  },
  "trailers up": () => {
    const body = randomBytes(choice(SIZES));
    const trailers = { "x-checksum": `${body.length}` };
    return { method: "POST", path: "/echo", body: [body], want: body, trailers, sendsTrailers: true };
  },
  fields: () => {
    const [came, sent] = [random(12_000), random(7_000)];
    const fields = { "x-large": "x".repeat(sent) };
    const headers = { "X-Large": "x".repeat(came) };
    return { path: `/fields?bytes=${sent}`, headers, want: Buffer.from(`${came}\n`), fields };
  },
  early: () => {
    const body = randomBytes(choice(SIZES));
    return { method: "POST", path: "/early", body, status: 403, want: Buffer.from("not wanted\n") };
  },
  empty: () => {
    const status = choice([204, 304]);
    return { path: `/status/${status}`, status, fields: { etag: '"fixed"' } };
  },
  options: () => ({ method: "OPTIONS", path: "/", status: 204 }),
  echo: () => {
    const body = randomBytes(choice(SIZES));
    return { method: choice(["POST", "PUT"]), path: "/echo", body, want: body };
  },
  upload: () => {
    const body = randomBytes(choice(SIZES));
    const want = Buffer.from(`${body.length} ${adler32(body)}\n`);
    return { method: "POST", path: "/upload", body, want };
  },
  chunked: () => {
    const sizes = Array.from({ length: 1 + random(11) }, () => choice([1, 10, 1000, 16384, 70_000]));
    const body = sizes.map(randomBytes);
    return { method: "POST", path: "/echo", body, want: Buffer.concat(body) };
  },
  expect: () => {
    const body = randomBytes(choice(SIZES.slice(1)));
    return { method: "POST", path: "/echo", body, want: body, headers: { Expect: "100-continue" } };
  },
  close: () => ({ path: "/", want: Buffer.from("hello\n"), headers: { Connection: "close" } }),
  missing: () => ({ path: "/missing", status: 404, want: Buffer.from("404 Not Found\n") }),
};

function makeRequest(kind = choice(Object.keys(KINDS))) {
  const defaults = { method: "GET", status: 200, want: Buffer.alloc(0), headers: {}, fields: {} };
  return { ...defaults, ...KINDS[kind](), kind };
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function check(request, { status, fields, body, trailers }) {
  const where = `${request.kind}: ${request.method} ${request.path}`;
  if (status !== request.status) throw new Error(`${where}: status ${status}, not ${request.status}`);
  if (sha256(body) !== sha256(request.want)) {
    throw new Error(`${where}: ${body.length} other bytes than the ${request.want.length} right ones`);
  }
  if (!fields.date) throw new Error(`${where}: no date`);
  for (const [name, value] of Object.entries(request.fields)) {
    if (fields[name] !== value) throw new Error(`${where}: ${name} is ${fields[name]}, not ${value}`);
  }
  const [came, wanted] = [trailers, request.trailers ?? {}].map((list) => JSON.stringify(list));
  if (trailers && came !== wanted) throw new Error(`${where}: trailers ${came}, not ${wanted}`);
}

async function* pieces(list) {
  yield* list;
}

async function withFetch(request) {
  const { method, body, headers } = request;
  const options = { method, headers, redirect: "manual" };
  if (body) options.body = Array.isArray(body) ? pieces(body) : body;
  if (Array.isArray(body)) options.duplex = "half";
  const response = await fetch(origin + request.path, options);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, fields: Object.fromEntries(response.headers), body: bytes };
}

const module = isSecure ? https : http;
const agent = new module.Agent({ keepAlive: true, maxSockets: TASKS });

// Writing may fail where the server has refused and closed: the response that has come counts, as
// the documentation of `http.request` asks for.
function withHttp({ kind, method, path, headers, body, trailers, sendsTrailers }) {
  return new Promise((resolve, reject) => {
    const sizes = body && !Array.isArray(body) ? { "Content-Length": body.length } : {};
    if (sendsTrailers) sizes.Trailer = "x-checksum";
    const options = { method, agent, headers: { ...sizes, ...headers } };
    const request = module.request(origin + path, options);
    let answered = false;
    request.on("error", (error) => answered || reject(error));
    request.on("response", (response) => {
      answered = true;
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status, headers: fields, trailers } = response;
        resolve({ status, fields, body: Buffer.concat(parts), trailers });
      });
    });
    const send = async () => {
      for (const piece of Array.isArray(body) ? body : body ? [body] : []) {
        if (answered && kind === "refused") break;
        if (!request.write(piece)) await new Promise((resume) => setTimeout(resume, 0));
      }
      if (sendsTrailers) request.addTrailers(trailers);
      request.end();
    };
    if (headers.Expect) request.on("continue", send);
    else send();
    if (headers.Expect) request.flushHeaders();
  });
}

let session;

function withHttp2({ method, path, headers, body, trailers, sendsTrailers }) {
  session ??= http2.connect(origin, { maxSessionMemory: 1000 }).on("error", (error) => console.error(`FAILED: ${error}`));
  return new Promise((resolve, reject) => {
    const head = { ...headers, ":method": method, ":path": path };
    if (body && !Array.isArray(body)) head["content-length"] = body.length;
    if (sendsTrailers) head.trailer = "x-checksum";
    const stream = session.request(head, { endStream: !body, waitForTrailers: sendsTrailers });
    const answer = { parts: [], trailers: {} };
    stream.on("response", (fields) => Object.assign(answer, { status: fields[":status"], fields }));
    stream.on("trailers", (fields) => Object.assign(answer.trailers, fields));
    stream.on("data", (part) => answer.parts.push(part));
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.on("error", reject);
    stream.on("end", () => resolve({ ...answer, body: Buffer.concat(answer.parts) }));
    const send = async () => {
      for (const piece of Array.isArray(body) ? body : [body]) {
        if (!stream.write(piece)) await new Promise((resume) => setTimeout(resume, 0));
      }
      stream.end();
    };
    if (headers.Expect) stream.on("continue", send);
    else if (body) send();
  });
}

const isBegin = (part) => {
  if (!PATTERN.subarray(0, 100).equals(part.subarray(0, 100))) throw new Error("no response to give up");
};

async function cancelFetch() {
  const abort = new AbortController();
  const response = await fetch(origin + ENDLESS, { signal: abort.signal });
  for await (const part of response.body) {
    isBegin(part);
    break;
  }
  abort.abort();
}

function cancelHttp() {
  return new Promise((resolve, reject) => {
    const request = module.request(origin + ENDLESS, { agent }, (response) => {
      response.once("data", (part) => {
        isBegin(part);
        request.destroy();
        resolve();
      });
    });
    request.on("error", reject);
    request.end();
  });
}

function cancelHttp2() {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": ENDLESS });
    stream.on("error", reject);
    stream.once("data", (part) => {
      isBegin(part);
      stream.close(http2.constants.NGHTTP2_CANCEL, resolve);
    });
  });
}

function undiciClient() {
  const folder = process.env.WHARF_NODE_PACKAGES;
  if (!folder) return null;
  const { Client } = createRequire(`${folder}/`)("undici");
  // undici pipelines what is idempotent and has no body that it might have to send again.
  const client = new Client(origin, { pipelining: 10 });
  return async (request) => {
    const { method, path, body, headers } = request;
    const upload = Array.isArray(body) ? pieces(body) : body;
    const response = await client.request({ method, path, headers, body: upload });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    return { status: response.statusCode, fields: response.headers, body: bytes };
  };
}

const refused = (chunked) => ({
  kind: "refused",
  method: "POST",
  path: "/upload",
  headers: {},
  body: chunked ? Array(80).fill(Buffer.alloc(TOO_LARGE / 80)) : Buffer.alloc(TOO_LARGE),
});

const explain = (error) => `${error.message}${error.cause ? ` (${error.cause})` : ""}`;

async function run(name, send, cancel, without) {
  const start = performance.now();
  let left = REQUESTS;
  const task = async () => {
    while (left > 0) {
      const request = makeRequest();
      if (without.includes(request.kind)) continue;
      left -= 1;
      const failed = (error) => {
        const where = `${request.kind}: ${request.method} ${request.path}`;
        throw new Error(`${where}: ${explain(error)}`);
      };
      check(request, await send(request).catch(failed));
    }
  };
  await Promise.all(Array.from({ length: TASKS }, task));
  const seesRefusals = !without.includes("early");
  for (const chunked of seesRefusals ? [false, true] : []) {
    for (let turn = 0; turn < REFUSALS; turn += 1) {
      const where = `refusal ${turn}, chunked ${chunked}`;
      const failed = (error) => {
        throw new Error(`${where}: ${explain(error)}`);
      };
      const { status } = await send(refused(chunked)).catch(failed);
      if (status !== 413) throw new Error(`${where}: ${status}`);
    }
  }
  for (let turn = 0; cancel && turn < CANCELS; turn += 1) {
    await cancel();
    const small = makeRequest("small");
    check(small, await send(small));
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const cancelled = cancel ? `, ${CANCELS} given up` : "";
  const refusals = seesRefusals ? `, ${2 * REFUSALS} refusals seen` : "";
  console.log(`${name}, ${way}: ${REQUESTS} requests${refusals}${cancelled} (${seconds} s)`);
}

const undici = version === "1.1" ? undiciClient() : null;
const withoutTrailers = ["trailers up", "expect", "close"];
const clients = {
  1.1: {
    fetch: () => run("fetch", withFetch, cancelFetch, withoutTrailers),
    http: () => run(isSecure ? "node:https" : "node:http", withHttp, cancelHttp, []),
    undici: () =>
      undici
        ? run("undici, pipelining", undici, null, withoutTrailers)
        : console.log("undici: not here"),
  },
  2: { http2: () => run("node:http2", withHttp2, cancelHttp2, ["close"]) },
}[version];
for (const name of wanted.length > 0 ? wanted : Object.keys(clients)) {
  try {
    await clients[name]();
  } catch (error) {
    console.error(`FAILED: ${name}, ${way}: ${explain(error)}`);
    process.exitCode = 1;
  }
}
process.exit();
