import type { CallKey } from '@caudal/outbound/call-key.ts'
import { intArray, textArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { type ClaimedPsp, ofPsp, queued, suffixOf } from './of-psp.ts'
import {
  operationColumns,
  type OperationRow,
  type StoredOperation,
  storedOperation,
} from './operation-row.ts'
import type { OperationTable } from './operation-tables.ts'
import { claimedStepsOf } from './stored-steps.ts'

/** How many due operations to claim: of one step, of each tenant and bank, of each tenant. */
export type TurnLimits = {
  total: number
  /** Of keys and tenants that are not listed. */
  ofKey: number
  ofTenant: number
  keys: readonly { key: CallKey; most: number }[]
  tenants: readonly { tenant: string; most: number }[]
}

/** Operations whose circuit is open: those that have been due for longer are claimed to end. */
export type HeldOperations = { waitMs: number; all: boolean; keys: readonly CallKey[] }

/** How many due payments of each step to claim. */
export type DueLimits = {
  send: TurnLimits
  query: TurnLimits
  await: number
  held: HeldOperations
}

export type DueOperation = StoredOperation & { requestBody: Buffer }

/** The most operations that are claimed at once because their circuit stayed open. */
const MOST_HELD = 500

/** Whether the step of any operation is due: a cheap query for an idle instance. */
export async function isSomethingDue(
  db: Db,
  table: OperationTable,
  psp: ClaimedPsp,
): Promise<boolean> {
  const { all } = claimedStepsOf(table, psp)
  const statement = sql`
    SELECT EXISTS (
      SELECT 1 FROM ${table.rows}
      WHERE step IN (${all}) AND due_at <= statement_timestamp()${ofPsp(psp)}
    ) AS due`
  const { rows } = await db.query<{ due: boolean }>(
    named(`something-due-of-${table.name}${suffixOf(psp)}`, statement),
  )
  return rows[0]?.due ?? false
}

// Skips rows that another instance or the recording of an answer has locked.
const lost = (table: OperationTable, limit: number, psp: ClaimedPsp): Sql => sql`
    SELECT ${operationColumns(table)}, request_body FROM ${table.rows}
    WHERE step IN (${claimedStepsOf(table, psp).awaits})
      AND due_at <= statement_timestamp()${ofPsp(psp)}
    ORDER BY due_at
    LIMIT ${limit}
    FOR UPDATE SKIP LOCKED`

// Tenants take turns, and so do the banks of a tenant: the first due row of each, then the second
// of each. A skip scan of the index finds the tenants and banks. The turns are counted without a
// lock, which gives each bank its places; then as many rows are locked, from behind those that
// other instances have locked.
const dueInTurns = (
  table: OperationTable,
  step: Sql,
  { total, ofKey, ofTenant, keys, tenants }: TurnLimits,
  psp: ClaimedPsp,
): Sql => sql`
    WITH RECURSIVE keys AS (
      (SELECT tenant_id, destination_bank FROM ${table.rows}
        WHERE step = ${step}${queued(psp)}
        ORDER BY tenant_id, destination_bank LIMIT 1)
      UNION ALL
      SELECT next.tenant_id, next.destination_bank FROM keys CROSS JOIN LATERAL (
        SELECT p.tenant_id, p.destination_bank FROM ${table.rows} p
        WHERE p.step = ${step}${queued(psp)}
          AND (p.tenant_id, p.destination_bank) > (keys.tenant_id, keys.destination_bank)
        ORDER BY p.tenant_id, p.destination_bank LIMIT 1
      ) next
    ), limited AS (
      SELECT tenant_id AS of_tenant, destination_bank AS of_bank,
        coalesce(k.most, ${ofKey}::int) AS most_of_key,
        coalesce(t.most, ${ofTenant}::int) AS most_of_tenant
      FROM keys
      LEFT JOIN unnest(${textArray(keys, ({ key }) => key.tenant)}::text[],
        ${textArray(keys, ({ key }) => key.destination)}::text[],
        ${intArray(keys, ({ most }) => most)}::int[]
      ) AS k(tenant_id, destination_bank, most) USING (tenant_id, destination_bank)
      LEFT JOIN unnest(${textArray(tenants, ({ tenant }) => tenant)}::text[],
        ${intArray(tenants, ({ most }) => most)}::int[]
      ) AS t(tenant_id, most) USING (tenant_id)
    ), turns AS (
      SELECT l.*, d.due_at AS since,
        row_number() OVER (PARTITION BY of_tenant, of_bank ORDER BY d.due_at) AS turn_of_bank
      FROM limited l CROSS JOIN LATERAL (
        SELECT due_at FROM ${table.rows}
        WHERE step = ${step} AND tenant_id = l.of_tenant AND destination_bank = l.of_bank
          AND due_at <= statement_timestamp()${queued(psp)}
        ORDER BY due_at LIMIT least(l.most_of_key, l.most_of_tenant, ${total}::int)
      ) d
    ), turns_of_tenants AS (
      SELECT of_tenant, of_bank, since, most_of_tenant,
        row_number() OVER (PARTITION BY of_tenant ORDER BY turn_of_bank, since) AS turn
      FROM turns
    ), places AS (
      SELECT of_tenant, of_bank, count(*) AS place_count FROM (
        SELECT of_tenant, of_bank FROM turns_of_tenants WHERE turn <= most_of_tenant
        ORDER BY turn, since LIMIT ${total}
      ) AS served
      GROUP BY of_tenant, of_bank
    )
    SELECT d.* FROM places CROSS JOIN LATERAL (
      SELECT ${operationColumns(table)}, request_body FROM ${table.rows}
      WHERE step = ${step} AND tenant_id = of_tenant AND destination_bank = of_bank
        AND due_at <= statement_timestamp()${queued(psp)}
      ORDER BY due_at LIMIT place_count
      FOR UPDATE SKIP LOCKED
    ) d`

const held = (
  table: OperationTable,
  { waitMs, all, keys }: HeldOperations,
  psp: ClaimedPsp,
): Sql => sql`
    SELECT ${operationColumns(table)}, request_body FROM ${table.rows} p
    WHERE step = ${claimedStepsOf(table, psp).send}
      AND due_at <= statement_timestamp() - ${waitMs} * interval '1 ms'
      ${queued(psp)}
      AND (${all} OR EXISTS (
        SELECT FROM unnest(${textArray(keys, ({ tenant }) => tenant)}::text[],
          ${textArray(keys, ({ destination }) => destination)}::text[]) AS k(of_tenant, of_bank)
        WHERE of_tenant = p.tenant_id AND of_bank = p.destination_bank))
      AND ${table.id} <> ALL (ARRAY(SELECT operation_id FROM sends))
    ORDER BY due_at
    LIMIT ${all || keys.length > 0 ? MOST_HELD : 0}
    FOR UPDATE SKIP LOCKED`

/**
 * Locks operations whose step is due; several instances share them. Tenants and their banks take
 * turns. Within a bank the longest overdue one comes first.
 */
export async function claimDue(
  tx: Tx,
  table: OperationTable,
  limits: DueLimits,
  psp: ClaimedPsp = null,
): Promise<DueOperation[]> {
  const { send, query } = claimedStepsOf(table, psp)
  const statement = sql`
    WITH sends AS MATERIALIZED (${dueInTurns(table, send, limits.send, psp)}
    ), held AS (${held(table, limits.held, psp)}
    ), queries AS (${dueInTurns(table, query, limits.query, psp)}
    ), lost AS (${lost(table, limits.await, psp)}
    )
    SELECT * FROM sends UNION ALL SELECT * FROM held
    UNION ALL SELECT * FROM queries UNION ALL SELECT * FROM lost`
  const { rows } = await tx.query<OperationRow & { request_body: Buffer }>(
    named(`claim-due-${table.name}${suffixOf(psp)}`, statement),
  )
  return rows.map((row) => ({ ...storedOperation(row), requestBody: row.request_body }))
}
