import assert from 'node:assert/strict'
import { test } from 'node:test'
import { benchLedger } from '../../bench/ledger/bench-ledger.ts'
import { LEDGER_ROWS } from '../../bench/ledger/ledger-rows.ts'

test('the ledger benchmark reports the documented rows', () => {
  const names = ['http_debits', 'batch', 'hot_account', 'hold_commit', 'ten_million_entries']
  assert.deepEqual([...LEDGER_ROWS.keys()], names)
})

test('a row of the ledger benchmark is measured with its reference, and its balances are correct', async () => {
  // The reference has half the time: enough for its first pairs on a busy machine too.
  const options = { seconds: 5, profile: false, rows: ['hold_commit'] }
  const rows = await benchLedger(options, { accounts: 40, historyEntries: 0 })
  assert.equal(rows.length, 1)
  const { name, notes, ...figures } = rows[0]!
  assert.equal(name, 'hold_commit')
  assert.match(notes, /pairs of two requests, 256 connections/)
  assert.deepEqual(Object.keys(figures).toSorted(), [
    'p50_ms',
    'p95_ms',
    'p99_ms',
    'per_second',
    'ratio',
    'reference_per_second',
  ])
  for (const [figure, value] of Object.entries(figures)) assert.ok(Number(value) > 0, figure)
})
