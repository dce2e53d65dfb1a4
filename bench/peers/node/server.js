// The common site on Node's http module, in one process.
//
// Started as `node server.js --listen ADDR`. Not here: anything beyond the standard library.
'use strict';

const http = require('node:http');

const CHUNKS = 1000;
const CHUNK = Buffer.from('one piece of a streamed response');
const SIZED = {
  '/': Buffer.from('Hello, world!\n'),
  '/64k': Buffer.alloc(64 << 10, 'x'),
  '/1m': Buffer.alloc(1 << 20, 'x'),
};

function text(response, body) {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
}

function stream(response) {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  for (let i = 0; i < CHUNKS; i++) response.write(CHUNK);
  response.end();
}

function upload(request, response) {
  let length = 0;
  request.on('data', (piece) => { length += piece.length; });
  request.on('end', () => text(response, Buffer.from(String(length))));
}

const server = http.createServer((request, response) => {
  const { method, url } = request;
  if (method === 'GET' && SIZED[url]) return text(response, SIZED[url]);
  if (method === 'GET' && url === '/stream') return stream(response);
  if (method === 'POST' && url === '/upload') return upload(request, response);
  response.writeHead(404).end();
});

// Long enough that no connection is closed while memory of idle ones is measured.
server.keepAliveTimeout = 3600 * 1000;
server.maxRequestsPerSocket = 0;

const [option, address] = process.argv.slice(2);
const [host, port] = (address || '').split(':');
if (option !== '--listen' || !port) {
  process.stderr.write('the only and required option is --listen ADDR\n');
  process.exit(2);
}
server.listen({ host, port: Number(port), backlog: 4096 });
