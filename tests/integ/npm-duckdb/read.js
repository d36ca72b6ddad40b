// read.js - what DuckDB finds in packed log files: each line, or each message,
// as hexadecimal, so that nothing between can make two of one.
//
//	node read.js lines|json GLOB
'use strict';
const { DuckDBInstance } = require('@duckdb/node-api');

const [kind, glob] = process.argv.slice(2);
const file = `'${glob.replace(/'/g, "''")}'`;
const ask = {
	lines: `select hex(line), filename from read_csv(${file},
	    columns = {'line': 'VARCHAR'}, delim = chr(31), quote = '', escape = '',
	    header = false, auto_detect = false, filename = true,
	    compression = 'zstd')`,
	json: `select hex(body), host, app, filename from read_json(${file},
	    format = 'newline_delimited', filename = true, compression = 'zstd')`,
}[kind];

(async () => {
	const db = await DuckDBInstance.create(':memory:');
	const connection = await db.connect();
	const found = await connection.runAndReadAll(ask);

	for (const row of found.getRows())
		process.stdout.write(row.join('\t') + '\n');
})().catch((error) => {
	console.error(error.message);
	process.exit(1);
});
