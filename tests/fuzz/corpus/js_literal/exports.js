'use strict';
// production
const os = require('os'), fs = require('fs');
module.exports = {
	globalSuffix: os.hostname().split('.')[0].replace(/-/g, '_'),
	port: parseInt(process.env.XPORT || '8125', 10),
	flushInterval: 10 * 1000,
	prefixStats: `statsd.${fs.readFileSync('/etc/hostname').toString().trim()}`,
	histogram: [{metric: 'render', bins: [1, 5.5, 'inf']}, {metric: '', bins: []}],
};
