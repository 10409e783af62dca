import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transaction } from '@caudal/postgres/transaction.ts'
import { bookingTimeOf } from '../src/ledger/domain/booking-time.ts'
import { decideBatch } from '../src/ledger/domain/decide-batch.ts'
import type * as loader from '../src/ledger/load-ledger.ts'
import { close, move } from './client-commands.ts'
import { ledgerDatabase, openWallets, runCommands } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'

/** The loader of another process, which has no memory of the commands of this one. */
async function otherProcess(): Promise<typeof loader> {
  const { href } = new URL('../src/ledger/load-ledger.ts?other-process', import.meta.url)
  return (await import(href)) as typeof loader
}

test('a process that has not seen the hold opens the settlement account of its commit', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet({ currency: 'CHF' })
  await openWallets(pool, [wallet])
  const hold = move('hold', wallet, 4n)
  const { outcomes } = await runCommands(pool, move('credit', wallet, 10n), hold)
  assert(outcomes[1]?.type === 'posted' && outcomes[1].hold)
  // It names no currency, and every account that it names is there.
  const commit = close('commit', wallet, outcomes[1].hold.holdId)
  const { loadLedger } = await otherProcess()
  await transaction(pool, async (tx) => {
    const { state, now, opened } = await loadLedger(tx, {
      requests: [commit],
      slots: [0],
      keys: true,
    })
    assert.deepEqual(
      opened.map(({ kind, currency }) => [kind, currency]),
      [['psp_settlement', 'CHF']],
    )
    assert.equal(decideBatch(state, [commit], bookingTimeOf(now)).outcomes[0]?.type, 'posted')
  })
})
