import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { balancesEqualEntries } from 'caudal/verify/balance-check.ts'
import type { CheckInput } from 'caudal/verify/check.ts'
import { findPosition, type CheckpointPosition } from 'caudal/verify/checkpoint.ts'
import { correctionsBounded } from 'caudal/verify/correction-check.ts'
import { type Digest, findChange, readDigests } from 'caudal/verify/digests.ts'
import { eventsMatchLedger } from 'caudal/verify/event-check.ts'
import { noOverdraft } from 'caudal/verify/overdraft-check.ts'
import { clientSpending } from 'caudal/verify/spending-check.ts'
import { entriesSumToZero } from 'caudal/verify/transfer-check.ts'
import type { Client } from 'pg'
import { close, move } from '../../services/wallets/test/client-commands.ts'
import {
  ledgerDatabase,
  openWallets,
  runCommands,
} from '../../services/wallets/test/ledger-fixture.ts'
import { age, attachMonth, connectAs, monthAgo } from '../../services/wallets/test/old-months.ts'
import { newWallet } from '../../services/wallets/test/test-wallet.ts'
import { CORRECTION_DAMAGES } from './correction-damages.ts'
import { POSTING_DAMAGES } from './posting-damages.ts'
import { type Damage, ROW_DAMAGES } from './row-damages.ts'
import { SAMPLE, fillSampleLedger } from './sample-ledger.ts'
import { SPENDING_DAMAGES } from './spending-damages.ts'

const CHECKS = [
  entriesSumToZero,
  balancesEqualEntries,
  noOverdraft,
  correctionsBounded,
  clientSpending,
  eventsMatchLedger,
]

const { wallet, spender, frozen, hold, expiring } = SAMPLE
const { accountId } = wallet

const DAMAGES: Damage[] = [
  {
    what: 'a changed entry',
    sql: `UPDATE entries SET amount_minor = amount_minor + 1
          WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'entries_sum_to_zero',
    says: /^transfer \S+: its entries sum to 1 in USD$/,
  },
  {
    what: 'a changed entry and its counter-entry',
    sql: `UPDATE entries SET amount_minor = amount_minor + sign(amount_minor)
          WHERE transfer_id IN (SELECT transfer_id FROM entries
            WHERE account_id = '${accountId}' AND account_version = 1)`,
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${accountId} \\(USD\\): available 63, entries sum to 64;`),
  },
  {
    what: 'a deleted entry',
    sql: `DELETE FROM entries WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'entries_sum_to_zero',
    says: /^transfer \S+: its entries sum to -100 in USD$/,
  },
  {
    what: 'a deleted transfer with its entries',
    sql: `WITH deleted AS (DELETE FROM transfers WHERE transfer_id = '${hold.transferId}')
          DELETE FROM entries WHERE transfer_id = '${hold.transferId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(
      `^account ${accountId} \\(USD\\): version 3 follows version 1, versions are missing`,
    ),
  },
  {
    what: 'a deleted transfer without its entries',
    sql: `DELETE FROM transfers WHERE transfer_id = '${hold.transferId}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^transfer ${hold.transferId} is missing, but has entries in USD$`),
  },
  {
    what: 'a transfer without entries',
    sql: `DELETE FROM entries WHERE transfer_id = '${hold.transferId}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^transfer ${hold.transferId} has no entries$`),
  },
  {
    what: 'an entry with another value date than its transfer',
    sql: `UPDATE entries SET value_date = '2026-01-31'
          WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'entries_sum_to_zero',
    says: /^transfer .* \(USD\): its value date is \S+, 1 of its 2 entries in USD have 2026-01-31/,
  },
  {
    what: 'a transfer with another value date than its entries',
    sql: `UPDATE transfers SET value_date = '2026-01-31'
          WHERE transfer_id = '${hold.transferId}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(
      `^transfer ${hold.transferId} of .*: its value date is 2026-01-31, 0 of its 2 entries in USD`,
    ),
  },
  {
    what: 'an edited balance',
    sql: `UPDATE accounts SET available_minor = available_minor + 5
          WHERE account_id = '${accountId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${accountId} \\(USD\\): available 68, entries sum to 63;`),
  },
  {
    what: 'an edited balance of a system account',
    sql: `UPDATE accounts SET available_minor = 0 WHERE kind = 'deposits_clearing'
          AND currency = 'JPY'`,
    check: 'balances_equal_entries',
    says: /\(JPY\): available 0, entries sum to -50;/,
  },
  {
    what: 'an edited held balance',
    sql: `UPDATE accounts SET held_minor = held_minor + 1 WHERE account_id = '${accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${accountId} \\(USD\\): held 38, its open holds sum to 37$`),
  },
  {
    what: 'a deleted hold',
    sql: `DELETE FROM holds WHERE hold_id = '${hold.transferId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${accountId} \\(USD\\): held 37, its open holds sum to 7$`),
  },
  {
    what: 'two holds of an account with swapped amounts',
    sql: `UPDATE holds SET amount_minor = 37 - amount_minor, remaining_minor = 37 - remaining_minor
          WHERE account_id = '${accountId}' AND status = 'open'`,
    check: 'no_overdraft',
    says: new RegExp(`^hold ${hold.transferId} of account .* remaining amount is 7, expected 30$`),
  },
  {
    what: 'an expiring hold that is not in the expiry queue',
    sql: 'DELETE FROM hold_expiries',
    check: 'no_overdraft',
    says: new RegExp(`^hold ${expiring.transferId} of .* not in the expiry queue$`),
  },
  {
    what: 'an edited version',
    sql: `UPDATE accounts SET version = version + 1 WHERE account_id = '${accountId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${accountId} \\(USD\\): version 4, its last entry has 3$`),
  },
  {
    what: 'an edited balance in the history',
    sql: `UPDATE entries SET balance_after_minor = 7 WHERE account_id = '${accountId}'
          AND account_version = 3 AND balance = 'available'`,
    check: 'balances_equal_entries',
    says: /available is 7 after version 3, entries until then sum to 63$/,
  },
  {
    what: 'an entry with another time',
    sql: `UPDATE entries SET booked_at = booked_at + interval '1 day'
          WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'balances_equal_entries',
    says: new RegExp(
      `^account ${accountId} \\(USD\\): version 2 was posted at .* before the previous`,
    ),
  },
  {
    what: 'an edited overdraft limit',
    sql: `UPDATE accounts SET overdraft_limit_minor = 1000 WHERE account_id = '${accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${accountId} .*: open with limit 1000, expected open with limit 0`),
  },
  {
    what: 'an overdraft limit without a change',
    sql: `WITH deleted AS (DELETE FROM account_changes WHERE account_id = '${spender.accountId}')
          UPDATE accounts SET overdraft_limit_minor = 80, revision = 0
          WHERE account_id = '${spender.accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(
      `^account ${spender.accountId} \\(JPY\\): available was -30 after version 2, the minimum`,
    ),
  },
  {
    what: 'an account that was unfrozen in the table',
    sql: `UPDATE accounts SET status = 'open' WHERE account_id = '${frozen.accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${frozen.accountId} .*: open with limit 0, expected frozen`),
  },
  {
    what: 'a transfer while the account was frozen',
    sql: `UPDATE account_changes SET booked_at = '2020-01-01' WHERE kind = 'freeze'`,
    check: 'no_overdraft',
    says: new RegExp(
      `^account ${frozen.accountId} \\(USD\\): credit by transfer \\S+ while it was frozen$`,
    ),
  },
  {
    what: 'a transfer without an event',
    sql: `DELETE FROM outbox WHERE payload LIKE '%"transfer_id":"${hold.transferId}"%'`,
    check: 'events_match_ledger',
    says: new RegExp(
      `^account ${accountId} \\(USD\\): transfer ${hold.transferId}, version 2, has no event`,
    ),
  },
  {
    what: 'an event without its transfer',
    sql: `WITH deleted AS (DELETE FROM transfers WHERE transfer_id = '${hold.transferId}')
          DELETE FROM entries WHERE transfer_id = '${hold.transferId}'`,
    check: 'events_match_ledger',
    says: new RegExp(
      `\\(USD\\): an event names transfer ${hold.transferId}, version 2, which does`,
    ),
  },
  {
    what: 'a transfer with two events',
    sql: `INSERT INTO outbox (event_id, topic, record_key, payload, headers)
          SELECT gen_random_uuid(), topic, record_key, payload, headers FROM outbox
          WHERE payload LIKE '%"transfer_id":"${hold.transferId}"%'`,
    check: 'events_match_ledger',
    says: new RegExp(`\\(USD\\): transfer ${hold.transferId} has two events$`),
  },
  {
    what: 'an event with another balance',
    sql: `UPDATE outbox SET payload = replace(payload, '"balance_after_minor":"70"',
            '"balance_after_minor":"71"')
          WHERE payload LIKE '%"transfer_id":"${hold.transferId}"%'`,
    check: 'events_match_ledger',
    says: new RegExp(`has the entries ${accountId} available -30 70 2,.* has .* -30 71 2,`),
  },
  {
    what: 'an account change without an event',
    sql: `DELETE FROM outbox WHERE payload LIKE '%"change":"freeze"%'`,
    check: 'events_match_ledger',
    says: new RegExp(`^account ${frozen.accountId} \\(USD\\): freeze, revision 1, has no event$`),
  },
  {
    what: 'a system account without an opening event',
    sql: `DELETE FROM outbox WHERE payload LIKE '%"kind":"payouts_clearing"%'`,
    check: 'events_match_ledger',
    says: /^account \S+ \(JPY\): its opening has no event$/,
  },
]

async function look(db: unknown, since?: CheckpointPosition): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const { name, run } of CHECKS) {
    const { violations } = await run({ wallets: db, ...(since && { since }) } as CheckInput)
    found.set(name, violations)
  }
  return found
}

function digestsOf(db: unknown, position: CheckpointPosition): Promise<Digest[]> {
  return readDigests({ wallets: db } as CheckInput, position, (source) => source === 'wallets')
}

/** The violations since a checkpoint, or only why the checkpoint does not hold. */
async function lookSince(
  db: unknown,
  position: CheckpointPosition,
  digests: readonly Digest[],
): Promise<string[]> {
  const now = await digestsOf(db, position)
  const change = await findChange({ wallets: db } as CheckInput, digests, now)
  return change === undefined ? [...(await look(db, position)).values()].flat() : [change]
}

function assertClean(found: ReadonlyMap<string, string[]>): void {
  assert.deepEqual([...found.values()].flat(), [])
}

describe('F1, F14, P14: verify finds changes that were made to the tables without the ledger', () => {
  const scope = suiteScope()
  let pool: Db
  let admin: Client
  const checkpoints: { position: CheckpointPosition; digests: Digest[] }[] = []

  before(async () => {
    const database = await ledgerDatabase(scope)
    pool = database.pool
    admin = await connectAs(scope, database.adminUrl)
    const mark = async (): Promise<void> => {
      const position = await findPosition({ wallets: pool }, true)
      checkpoints.push({ position, digests: await digestsOf(pool, position) })
    }
    await mark()
    await fillSampleLedger(pool)
    await mark()
  })

  test('an undamaged ledger has no violations', async () => {
    assertClean(await look(pool))
    for (const { position, digests } of checkpoints) {
      assert.deepEqual(await lookSince(pool, position, digests), [])
    }
  })

  const damages = [
    ...DAMAGES,
    ...ROW_DAMAGES,
    ...CORRECTION_DAMAGES,
    ...SPENDING_DAMAGES,
    ...POSTING_DAMAGES,
  ]
  for (const { what, sql, check, says } of damages) {
    test(what, async () => {
      await admin.query('BEGIN')
      try {
        const { rowCount } = await admin.query(sql)
        assert.ok(rowCount! > 0, 'the damage must change a row')
        const violations = (await look(admin)).get(check)!
        assert.ok(
          violations.some((violation) => says.test(violation)),
          JSON.stringify(violations),
        )
        for (const { position, digests } of checkpoints) {
          const found = await lookSince(admin, position, digests)
          assert.notDeepEqual(found, [], `since ${position.bookedFrom}`)
        }
      } finally {
        await admin.query('ROLLBACK')
      }
    })
  }
})

test('F1: verify checks the remaining rows and the carried balances after a month was detached', async (t) => {
  const { pool, adminUrl, ownerUrl } = await ledgerDatabase(t)
  const [admin, owner] = [await connectAs(t, adminUrl), await connectAs(t, ownerUrl)]
  for (const months of [3, 2]) await attachMonth(owner, months)
  const own = newWallet()
  const old = move('hold', own, 30n)
  await openWallets(pool, [own])
  await runCommands(pool, move('credit', own, 100n), old)
  await age(admin, 3)
  await admin.query(`UPDATE holds SET created_at = created_at - interval '3 months'`)
  const debit = move('debit', own, 5n)
  await runCommands(pool, debit, close('commit', own, old.transferId, 10n))
  const position = await findPosition({ wallets: pool }, true)
  const digests = await digestsOf(pool, position)
  await owner.query('SELECT detach_ledger_partition($1)', [monthAgo(3)])
  assertClean(await look(pool))
  // A checkpoint from before holds, unless more is gone than was detached.
  assert.deepEqual(await lookSince(pool, position, digests), [])
  await admin.query('BEGIN')
  await admin.query('UPDATE detached_months SET transfers = transfers - 1')
  assert.match((await lookSince(admin, position, digests)).join(), /^transfers \(transfers_\d/)
  await admin.query('ROLLBACK')
  // References of detached transfers remain; a reference of any other transfer must exist.
  await admin.query('BEGIN')
  await admin.query('DELETE FROM command_references WHERE transfer_id = $1', [debit.transferId])
  const [forgotten] = (await look(admin)).get('entries_sum_to_zero')!
  assert.match(forgotten!, new RegExp(`^debit ${debit.transferId} of .*, recorded is none$`))
  await admin.query('ROLLBACK')
  await admin.query('UPDATE carried_balances SET held_minor = held_minor - 1 WHERE held_minor > 0')
  const { rows } = await admin.query('SELECT FROM carried_balances WHERE held_minor = 29')
  assert.equal(rows.length, 1)
  const found = await look(pool)
  assert.match(found.get('balances_equal_entries')!.join('\n'), /held 20, entries sum to 19/)
})

test('F3: verify finds a missing event even if older events were dropped from the outbox', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const admin = await connectAs(t, adminUrl)
  const [own, quiet] = [newWallet(), newWallet()]
  await openWallets(pool, [own, quiet])
  await runCommands(pool, move('credit', own, 100n), move('credit', quiet, 100n))
  await admin.query(`SELECT setval('outbox_id_seq', 2500000), rotate_outbox()`)
  await runCommands(pool, move('hold', own, 30n), move('debit', own, 5n), move('debit', own, 6n))
  const position = await findPosition({ wallets: pool }, true)
  const digests = await digestsOf(pool, position)
  await admin.query('DROP TABLE outbox_0')
  // A checkpoint from before holds.
  assert.deepEqual(await lookSince(pool, position, digests), [])
  const { checked, violations } = await eventsMatchLedger.run({ wallets: pool } as CheckInput)
  assert.deepEqual({ checked, violations }, { checked: 3, violations: [] })
  const deleted = await admin.query(`DELETE FROM outbox WHERE payload LIKE '%"amount_minor":5,%'`)
  assert.equal(deleted.rowCount, 1)
  const found = (await look(pool)).get('events_match_ledger')!
  assert.match(found.join('\n'), new RegExp(`^account ${own.accountId} .* version 3, has no event`))
})
