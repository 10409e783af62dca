// `node psql.ts URL`: runs the SQL of the standard input, as psql does, which may not be installed.
// Without a URL the server is that of PSQL_URL.
import { readFileSync } from 'node:fs'
import pg from 'pg'

const url = process.argv.find((word) => word.startsWith('postgres://')) ?? process.env['PSQL_URL']
const client = new pg.Client(url)
await client.connect()
await client.query(readFileSync(0, 'utf8'))
await client.end()
