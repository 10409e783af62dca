import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { System } from 'caudal/system/find-system.ts'
import { decodeJwt } from 'jose'
import { startProcess } from '../start-process.ts'
import type { ReferenceSettings } from './serve-reference.ts'

/** The running reference. */
export interface Reference {
  url: string
  stop(): Promise<void>
}

const DATABASE = 'caudal_reference'
const BALANCE_MINOR = 1_000_000_000

/** Starts the reference in a new database of the same PostgreSQL server, with these accounts. */
export async function startReference(
  system: System,
  token: string,
  accountIds: readonly string[],
): Promise<Reference> {
  const serverUrl = system.databaseUrl('postgres')
  const admin = createPool({ url: serverUrl, applicationName: 'bench', max: 1 })
  await admin.query(`CREATE DATABASE ${DATABASE}`)
  await admin.end()
  const url = databaseUrl(serverUrl, DATABASE)
  const db = createPool({ url, applicationName: 'bench', max: 1 })
  await db.query(await readFile(join(import.meta.dirname, 'schema.sql'), 'utf8'))
  await db.query(
    `INSERT INTO accounts (account_id, tenant_id, currency, available_minor)
     SELECT account_id, $2, 'USD', $3 FROM unnest($1::uuid[]) AS a(account_id)`,
    [accountIds, DEFAULT_TENANT, BALANCE_MINOR],
  )
  await db.query('ANALYZE')
  await db.end()
  const settings: ReferenceSettings = {
    databaseUrl: url,
    issuer: decodeJwt(token).iss!,
    jwksUrl: `${system.serviceUrl('identity')}/jwks`,
  }
  return startProcess(join(import.meta.dirname, 'serve-reference.ts'), settings)
}
