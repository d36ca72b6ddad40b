// The StatsD clients of npm as people use them.  usage: clients.js PORT SOCKET
const port = Number(process.argv[2]), path = process.argv[3], host = '127.0.0.1';
const { StatsD } = require('hot-shots');
const fail = (what) => (e) => { console.error(what, e); process.exit(1); };
const end = [];

function hotShots(prefix, options, tags) {
  const c = new StatsD({ prefix, errorHandler: fail(prefix), ...options });
  c.increment('inc'); c.increment('inc', 4); c.decrement('dec', 2);
  c.timing('time', 30); c.gauge('gauge', 7.5); c.gaugeDelta && c.gaugeDelta('gauge', 2);
  c.unique('set', 'one'); c.set('set', 'two');
  c.histogram('histo', 11); c.distribution && c.distribution('distro', 12);
  if (tags) {
    c.increment('tagged', 3, ['env:prod', 'role:web']);
    c.event('deployed', 'by ' + prefix, { alert_type: 'warning' }, ['env:prod']);
    c.check('db', c.CHECKS.CRITICAL, { message: 'of ' + prefix });
  }
  end.push(new Promise((done) => c.close(done)));
}
hotShots('hs.udp.', { host, port }, true);
hotShots('hs.buffered.', { host, port, maxBufferSize: 1400, bufferFlushInterval: 10 }, true);
hotShots('hs.tcp.', { host, port, protocol: 'tcp' }, false);
const tg = new StatsD({ host, port, prefix: 'hs.telegraf.', telegraf: true, errorHandler: fail('telegraf') });
tg.increment('tagged', 3, { env: 'prod' }); tg.timing('time', 5, { env: 'prod' });
end.push(new Promise((done) => tg.close(done)));
let unix = true;
try { require('unix-dgram'); } catch (e) { unix = false; }
if (unix) hotShots('hs.uds.', { protocol: 'uds', path }, true);
console.log('unix-dgram: ' + unix);

const NodeStatsD = require('node-statsd');
const ns = new NodeStatsD({ host, port, prefix: 'ns.' });
ns.increment('inc'); ns.decrement('dec'); ns.timing('time', 9); ns.gauge('gauge', 3);
ns.unique('set', 'a'); ns.set('set', 'b'); ns.histogram('histo', 4); ns.increment(['many', 'more']);
ns.increment('tagged', 1, ['a:b']);

const SDC = require('statsd-client');
const sdc = new SDC({ host, port, prefix: 'sc' });
sdc.counter('count', 5); sdc.increment('inc', 2); sdc.decrement('dec'); sdc.gauge('gauge', 8);
sdc.gaugeDelta('gauge', -3); sdc.set('set', 'm'); sdc.histogram('histo', 6); sdc.timing('time', 21);
sdc.getChildClient('child').increment('inc'); sdc.increment('tagged', 1, { k: 'v' });

const Lynx = require('lynx');
const lynx = new Lynx(host, port, { scope: 'lx', on_error: fail('lynx') });
lynx.increment('inc'); lynx.decrement('dec'); lynx.timing('time', 13); lynx.gauge('gauge', 4);
lynx.set('set', 'x'); lynx.count('count', 6); lynx.send({ 'batch.a': '1|c', 'batch.b': '2|c' });

setTimeout(() => Promise.all(end).then(() => { ns.close(); sdc.close(); lynx.close(); }), 500);
setTimeout(() => process.exit(0), 1500);
