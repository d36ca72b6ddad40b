// Send with syslog-client and winston-syslog, then wait to be stopped:
// node send.js NODE_MODULES PORT
'use strict';
const path = require('path');
const [modules, port] = [process.argv[2], Number(process.argv[3])];
const from = name => require(path.join(modules, name));
const clients = [];			// kept, so that they stay open

function client(transport, rfc3164, text) {
	const syslog = from('syslog-client');
	const c = syslog.createClient('127.0.0.1', {
		port, syslogHostname: 'npmhost', appName: 'npmclient',
		transport: transport === 'tcp' ? syslog.Transport.Tcp : syslog.Transport.Udp,
		rfc3164
	});
	c.on('error', e => console.error(text, e));
	c.log(text, { facility: syslog.Facility.Local0, severity: syslog.Severity.Error, msgid: 'ID1' });
	clients.push(c);
}

function winston(protocol, type, text) {
	const winston = from('winston');
	const { Syslog } = from('winston-syslog');
	const t = new Syslog({ host: '127.0.0.1', port, protocol, app_name: 'winston', type, localhost: 'npmhost', eol: '\n' });
	t.on('error', e => console.error(text, e));
	const log = winston.createLogger({ levels: winston.config.syslog.levels, transports: [t] });
	log.warning(text);
	clients.push(log);
}

client('udp', true, 'client udp 3164');
client('udp', false, 'client udp 5424');
client('tcp', true, 'client tcp 3164');
client('tcp', false, 'client tcp 5424');
winston('udp4', 'BSD', 'winston udp BSD');
winston('udp4', '5424', 'winston udp 5424');
winston('tcp4', 'BSD', 'winston tcp BSD');
winston('tcp4', '5424', 'winston tcp 5424');
setInterval(() => {}, 1000);
