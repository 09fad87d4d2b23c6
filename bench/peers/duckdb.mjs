// SPDX-License-Identifier: Apache-2.0
// One question to DuckDB over a combined log, two threads:
//
//     node duckdb.mjs NODE_FOLDER status|url|errors|version FILE
//
// Prints {"seconds": of the query alone, "rows": [...]}: neither the start of
// node nor the load of the library is counted against DuckDB. The status is
// read as text, which is faster here than as a number.
import { createRequire } from 'node:module';

const [folder, question, file] = process.argv.slice(2);
const require = createRequire(folder + '/package.json');
const { DuckDBInstance } = require('@duckdb/node-api');
const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
const db = await instance.connect();

const names = ['ip', 'ident', 'usr', 'day', 'zone', 'request', 'status',
    'bytes', 'referer', 'ua'];
const log = `read_csv('${file}', auto_detect=false, header=false, delim=' ',
    quote='"', escape='\\', columns={${
    names.map((n) => `'${n}': 'VARCHAR'`).join(', ')}})`;

const sql = {
    version: 'select version()',
    status: `select status, count(*) n from ${log} group by status
        order by n desc, status`,
    url: `select split_part(request, ' ', 2) url, count(*) n from ${log}
        group by url order by n desc, url limit 10`,
    errors: `select strftime(hour, '%Y-%m-%dT%H:%M:%SZ'), path, n from (
        select time_bucket(interval 1 hour,
                strptime(substr(day, 2), '%d/%b/%Y:%H:%M:%S')) as hour,
            split_part(split_part(request, ' ', 2), '?', 1) as path,
            count(*) n
        from ${log} where status between '500' and '599' group by all)
        qualify row_number() over (partition by hour
            order by n desc, path) <= 10
        order by hour, n desc, path`,
};
const began = process.hrtime.bigint();
const rows = (await db.runAndReadAll(sql[question])).getRows();
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
console.log(JSON.stringify({
    seconds,
    rows: rows.map((row) => row.map(
        (cell) => typeof cell === 'bigint' ? Number(cell) : cell)),
}));
