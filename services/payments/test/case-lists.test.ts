import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { planOf } from '@caudal/testing/plan-of.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { paymentMigrations } from '../src/migrations.ts'
import { listCases } from '../src/store/list-cases.ts'
import { listReturns } from '../src/store/list-returns.ts'

const ROWS = 40_000
/** Far less than the tables have. */
const BLOCKS_AT_MOST = 100
const SOME_PAYMENT = '00000000-0000-4000-8000-000000000007'

/** Returns of two tenants and 1,000 payments, nearly all CREDITED, and cases of four reasons. */
const FILL = `
  INSERT INTO returns (return_id, tenant_id, account_id, payment_id, user_id, psp, amount_minor,
    currency, reference, reason, reason_code, status, suspended_for, matched_at, version,
    received_at, updated_at)
  SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'caudal' ELSE 'acme' END, gen_random_uuid(),
    ('00000000-0000-4000-8000-' || lpad((n % 1000)::text, 12, '0'))::uuid, gen_random_uuid(),
    'main', 100, 'USD', n::text, 'AC04', 'account_closed',
    CASE WHEN n % 99 = 0 THEN 'SUSPENDED' ELSE 'CREDITED' END,
    CASE WHEN n % 99 = 0 THEN 'return_exceeds_captured' END, at, 3, at, at
  FROM (SELECT n, '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second' AS at
    FROM generate_series(1, ${ROWS}) n) AS made;
  INSERT INTO cases (case_id, tenant_id, account_id, reason, subject_type, subject_id, detail,
    status, opened_at)
  SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'caudal' ELSE 'acme' END, gen_random_uuid(),
    (ARRAY['amount_mismatch', 'receivable', 'return_unmatched', 'currency_mismatch'])[1 + n % 4],
    'payment', gen_random_uuid(), 'A case.', CASE WHEN n % 99 = 0 THEN 'OPEN' ELSE 'RESOLVED' END,
    '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second'
  FROM generate_series(1, ${ROWS}) n`

const scope = suiteScope()
let db: Db

before(async () => {
  const database = await testDatabase(scope, { sets: paymentMigrations, name: 'lists' })
  db = database.pool
  const owner = new pg.Client(database.ownerUrl)
  await owner.connect()
  await owner.query(FILL)
  await owner.query('VACUUM ANALYZE returns, cases')
  await owner.end()
})

test('returns and cases are listed by index, on the first page and on the last', async (t) => {
  const at = new Date('2026-01-01T00:10:00Z')
  const tenantId = 'caudal'
  const none = { status: undefined, reason: undefined }
  for (const deep of [false, true]) {
    const afterReturn = deep ? { receivedAt: at, returnId: newId() } : undefined
    const afterCase = deep ? { openedAt: at, caseId: newId() } : undefined
    const lists: Record<string, (db: Db) => Promise<unknown>> = {
      returns: (it) => listReturns(it, { tenantId }, { limit: 21, after: afterReturn }),
      suspended: (it) =>
        listReturns(it, { tenantId, status: 'SUSPENDED' }, { limit: 21, after: afterReturn }),
      'of a payment': (it) =>
        listReturns(it, { tenantId, paymentId: SOME_PAYMENT }, { limit: 21, after: afterReturn }),
      cases: (it) => listCases(it, { tenantId, ...none }, { limit: 21, after: afterCase }),
      open: (it) =>
        listCases(it, { tenantId, ...none, status: 'OPEN' }, { limit: 21, after: afterCase }),
      'by reason': (it) =>
        listCases(
          it,
          { tenantId, ...none, reason: 'return_unmatched' },
          { limit: 21, after: afterCase },
        ),
    }
    for (const [name, list] of Object.entries(lists)) {
      const { blocks, text } = await planOf(db, list)
      const about = `${name} ${deep ? 'deep' : 'first'}: ${blocks} blocks`
      t.diagnostic(about)
      assert.ok(blocks < BLOCKS_AT_MOST, about)
      assert.ok(!text.includes('Seq Scan'), about)
    }
  }
})
