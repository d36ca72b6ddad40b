// The Redis and Fluent clients of npm as people use them.
// usage: events.js RESP-PORT FORWARD-PORT
const resp = Number(process.argv[2]), forward = Number(process.argv[3]), host = '127.0.0.1';
const assert = require('node:assert');

async function nodeRedis() {
  const { createClient } = require('redis');
  const c = createClient({ url: `redis://${host}:${resp}` });
  c.on('error', (e) => { throw e; });
  await c.connect();
  const ids = [];
  for (let i = 0; i < 100; i++) ids.push(c.xAdd('node-redis', '*', { n: String(i), text: 'Zoë 😀' }));
  const done = await Promise.all(ids);
  assert.strictEqual(new Set(done).size, 100);
  // the same event again, as after a lost connection
  const args = ['XADD', 'node-redis-once', 'IDMP', 'npm', '1', '*', 'pay', '5'];
  assert.strictEqual(await c.sendCommand(args), await c.sendCommand(args));
  const multi = await c.multi().xAdd('node-redis-multi', '*', { a: '1' }).xAdd('node-redis-multi', '*', { a: '2' }).exec();
  assert.strictEqual(multi.length, 2);
  assert.strictEqual(await c.sendCommand(['WAIT', '1', '20000']), 1);
  await assert.rejects(c.xAdd('bad\nname', '*', { a: '1' }), /invalid stream name/);
  await c.close();
}

async function ioRedis() {
  const { Redis } = require('ioredis');
  const c = new Redis({ host, port: resp });
  const pipe = c.pipeline();
  for (let i = 0; i < 100; i++) pipe.xadd('ioredis', '*', 'n', i);
  for (const [error, id] of await pipe.exec()) assert.ok(!error && /^\d+-\d+$/.test(id));
  const got = await c.multi().xadd('ioredis-multi', '*', 'a', 1).xadd('ioredis-multi', '*', 'a', 2).exec();
  assert.strictEqual(got.length, 2);
  await assert.rejects(c.multi().xadd('ioredis-none', '*', 'a', 1).xadd('', '*', 'a', 2).exec(), /EXECABORT/);
  await c.quit();
}

function fluentLogger() {
  const logger = require('fluent-logger').createFluentSender('npm', {
    host, port: forward, timeout: 20, requireAckResponse: true, ackResponseTimeout: 60000 });
  return new Promise((resolve, reject) => {
    let left = 50;
    logger.on('error', reject);
    for (let i = 0; i < 50; i++)
      logger.emit('app', { n: i }, (error) => error ? reject(error) : --left || logger.end(null, null, resolve));
  });
}

async function fluentOrg() {
  const { FluentClient } = require('@fluent-org/logger');
  const c = new FluentClient('org', { socket: { host, port: forward }, ack: { ackTimeout: 60000 } });
  for (let i = 0; i < 50; i++) await c.emit('app', { n: i });
  await c.disconnect();
}

(async () => {
  await nodeRedis(); await ioRedis(); await fluentLogger(); await fluentOrg();
  process.exit(0);
})().catch((e) => { console.error(e); process.exit(1); });
