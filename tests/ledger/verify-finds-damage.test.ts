import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { balancesEqualEntries } from 'caudal/verify/balance-check.ts'
import type { Evidence } from 'caudal/verify/check.ts'
import { noOverdraft } from 'caudal/verify/overdraft-check.ts'
import { ledgerIsTold } from 'caudal/verify/told-check.ts'
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
import { BOOKS, fillBooks } from './books.ts'
import { type Damage, ROW_DAMAGES } from './row-damages.ts'

const CHECKS = [entriesSumToZero, balancesEqualEntries, noOverdraft, ledgerIsTold]

const { wallet, spender, frozen, hold, expiring } = BOOKS
const { accountId } = wallet

const DAMAGES: Damage[] = [
  {
    what: 'an entry that was changed',
    sql: `UPDATE entries SET amount_minor = amount_minor + 1
          WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'entries_sum_to_zero',
    says: /^transfer \S+: its entries sum to 1 in USD$/,
  },
  {
    what: 'an entry that was changed, and the one on its other side too',
    sql: `UPDATE entries SET amount_minor = amount_minor + sign(amount_minor)
          WHERE transfer_id IN (SELECT transfer_id FROM entries
            WHERE account_id = '${accountId}' AND account_version = 1)`,
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${accountId} \\(USD\\): available 63, its entries say 64;`),
  },
  {
    what: 'an entry that is gone',
    sql: `DELETE FROM entries WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'entries_sum_to_zero',
    says: /^transfer \S+: its entries sum to -100 in USD$/,
  },
  {
    what: 'a whole transfer that is gone, with its entries',
    sql: `WITH gone AS (DELETE FROM transfers WHERE transfer_id = '${hold.transferId}')
          DELETE FROM entries WHERE transfer_id = '${hold.transferId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(
      `^account ${accountId} \\(USD\\): version 3 follows version 1, what is between is`,
    ),
  },
  {
    what: 'a transfer that is gone, and left its entries',
    sql: `DELETE FROM transfers WHERE transfer_id = '${hold.transferId}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^transfer ${hold.transferId} is gone, its entries in USD are there$`),
  },
  {
    what: 'a transfer that has no entries',
    sql: `DELETE FROM entries WHERE transfer_id = '${hold.transferId}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(`^transfer ${hold.transferId} has no entries$`),
  },
  {
    what: 'an entry that counts on another day than its transfer',
    sql: `UPDATE entries SET value_date = '2026-01-31'
          WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'entries_sum_to_zero',
    says: /^transfer .* \(USD\): its value date is \S+, 1 of its 2 entries in USD have 2026-01-31/,
  },
  {
    what: 'a transfer that counts on another day than its entries',
    sql: `UPDATE transfers SET value_date = '2026-01-31'
          WHERE transfer_id = '${hold.transferId}'`,
    check: 'entries_sum_to_zero',
    says: new RegExp(
      `^transfer ${hold.transferId} of .*: its value date is 2026-01-31, 0 of its 2 entries in USD`,
    ),
  },
  {
    what: 'a balance that was edited',
    sql: `UPDATE accounts SET available_minor = available_minor + 5
          WHERE account_id = '${accountId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${accountId} \\(USD\\): available 68, its entries say 63;`),
  },
  {
    what: 'a balance of the system that was edited',
    sql: `UPDATE accounts SET available_minor = 0 WHERE kind = 'deposits_clearing'
          AND currency = 'JPY'`,
    check: 'balances_equal_entries',
    says: /\(JPY\): available 0, its entries say -50;/,
  },
  {
    what: 'a held balance that was edited',
    sql: `UPDATE accounts SET held_minor = held_minor + 1 WHERE account_id = '${accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${accountId} \\(USD\\): held 38, its open holds say 37$`),
  },
  {
    what: 'a hold that was forgotten',
    sql: `DELETE FROM holds WHERE hold_id = '${hold.transferId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${accountId} \\(USD\\): held 37, its open holds say 7$`),
  },
  {
    what: 'two holds of an account whose amounts were swapped',
    sql: `UPDATE holds SET amount_minor = 37 - amount_minor, remaining_minor = 37 - remaining_minor
          WHERE account_id = '${accountId}' AND status = 'open'`,
    check: 'no_overdraft',
    says: new RegExp(`^hold ${hold.transferId} of account .* keeps 7, its transfers say 30$`),
  },
  {
    what: 'a hold that would never end though it should',
    sql: 'DELETE FROM hold_expiries',
    check: 'no_overdraft',
    says: new RegExp(`^hold ${expiring.transferId} of .* nothing will end it then$`),
  },
  {
    what: 'a version that was edited',
    sql: `UPDATE accounts SET version = version + 1 WHERE account_id = '${accountId}'`,
    check: 'balances_equal_entries',
    says: new RegExp(`^account ${accountId} \\(USD\\): version 4, its last entry has 3$`),
  },
  {
    what: 'a history that was edited',
    sql: `UPDATE entries SET balance_after_minor = 7 WHERE account_id = '${accountId}'
          AND account_version = 3 AND balance = 'available'`,
    check: 'balances_equal_entries',
    says: /available is 7 after version 3, its entries until then say 63$/,
  },
  {
    what: 'a booking that was moved in time',
    sql: `UPDATE entries SET booked_at = booked_at + interval '1 day'
          WHERE account_id = '${accountId}' AND account_version = 1`,
    check: 'balances_equal_entries',
    says: new RegExp(
      `^account ${accountId} \\(USD\\): version 2 was booked at .* before the version`,
    ),
  },
  {
    what: 'a limit that was edited',
    sql: `UPDATE accounts SET overdraft_limit_minor = 1000 WHERE account_id = '${accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${accountId} .*: open with limit 1000, its changes say open with 0`),
  },
  {
    what: 'a limit that nobody gave, though the account was overdrawn',
    sql: `WITH gone AS (DELETE FROM account_changes WHERE account_id = '${spender.accountId}')
          UPDATE accounts SET overdraft_limit_minor = 80, revision = 0
          WHERE account_id = '${spender.accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(
      `^account ${spender.accountId} \\(JPY\\): available was -30 after version 2, allowed`,
    ),
  },
  {
    what: 'an account that was unfrozen by hand',
    sql: `UPDATE accounts SET status = 'open' WHERE account_id = '${frozen.accountId}'`,
    check: 'no_overdraft',
    says: new RegExp(`^account ${frozen.accountId} .*: open with limit 0, its changes say frozen`),
  },
  {
    what: 'money moved while the account was frozen',
    sql: `UPDATE account_changes SET booked_at = '2020-01-01' WHERE kind = 'freeze'`,
    check: 'no_overdraft',
    says: new RegExp(
      `^account ${frozen.accountId} \\(USD\\): credit by transfer \\S+ while it was frozen$`,
    ),
  },
  {
    what: 'a transfer whose event is gone',
    sql: `DELETE FROM outbox WHERE payload LIKE '%"transfer_id":"${hold.transferId}"%'`,
    check: 'ledger_is_told',
    says: new RegExp(
      `^account ${accountId} \\(USD\\): transfer ${hold.transferId}, version 2, is told`,
    ),
  },
  {
    what: 'an event whose transfer is gone',
    sql: `WITH gone AS (DELETE FROM transfers WHERE transfer_id = '${hold.transferId}')
          DELETE FROM entries WHERE transfer_id = '${hold.transferId}'`,
    check: 'ledger_is_told',
    says: new RegExp(
      `\\(USD\\): an event tells of transfer ${hold.transferId}, version 2, which is`,
    ),
  },
  {
    what: 'a transfer that is told twice',
    sql: `INSERT INTO outbox (event_id, topic, record_key, payload, headers)
          SELECT gen_random_uuid(), topic, record_key, payload, headers FROM outbox
          WHERE payload LIKE '%"transfer_id":"${hold.transferId}"%'`,
    check: 'ledger_is_told',
    says: new RegExp(`\\(USD\\): transfer ${hold.transferId} is told by two events$`),
  },
  {
    what: 'an event that says another balance',
    sql: `UPDATE outbox SET payload = replace(payload, '"balance_after_minor":"70"',
            '"balance_after_minor":"71"')
          WHERE payload LIKE '%"transfer_id":"${hold.transferId}"%'`,
    check: 'ledger_is_told',
    says: new RegExp(`has the entries ${accountId} available -30 70 2,.* says .* -30 71 2,`),
  },
  {
    what: 'a change of an account whose event is gone',
    sql: `DELETE FROM outbox WHERE payload LIKE '%"change":"freeze"%'`,
    check: 'ledger_is_told',
    says: new RegExp(
      `^account ${frozen.accountId} \\(USD\\): freeze, revision 1, is told by no event$`,
    ),
  },
  {
    what: 'an account of the system whose opening is told by nobody',
    sql: `DELETE FROM outbox WHERE payload LIKE '%"kind":"payouts_clearing"%'`,
    check: 'ledger_is_told',
    says: /^account \S+ \(JPY\) was opened, which is told by no event$/,
  },
]

async function look(db: unknown): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const { name, run } of CHECKS) {
    const { violations } = await run({ wallets: db } as Evidence)
    found.set(name, violations)
  }
  return found
}

function assertClean(found: ReadonlyMap<string, string[]>): void {
  assert.deepEqual([...found.values()].flat(), [])
}

describe('F1: verify finds whatever is done to the books behind the back of the ledger', () => {
  const scope = suiteScope()
  let pool: Db
  let admin: Client

  before(async () => {
    const database = await ledgerDatabase(scope)
    pool = database.pool
    admin = await connectAs(scope, database.adminUrl)
    await fillBooks(pool)
  })

  test('books that nobody touched are clean', async () => {
    assertClean(await look(pool))
  })

  for (const { what, sql, check, says } of [...DAMAGES, ...ROW_DAMAGES]) {
    test(what, async () => {
      await admin.query('BEGIN')
      try {
        const { rowCount } = await admin.query(sql)
        assert.ok(rowCount! > 0, 'the damage was done')
        const violations = (await look(admin)).get(check)!
        assert.ok(
          violations.some((violation) => says.test(violation)),
          JSON.stringify(violations),
        )
      } finally {
        await admin.query('ROLLBACK')
      }
    })
  }
})

test('F1: verify proves what is left when a month was detached, and the carried balances', async (t) => {
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
  await owner.query('SELECT detach_ledger_partition($1)', [monthAgo(3)])
  assertClean(await look(pool))
  // References of detached transfers stay, and those of others must be there.
  await admin.query('BEGIN')
  await admin.query('DELETE FROM command_references WHERE transfer_id = $1', [debit.transferId])
  const [forgotten] = (await look(admin)).get('entries_sum_to_zero')!
  assert.match(forgotten!, new RegExp(`^debit ${debit.transferId} of .*, it has used none$`))
  await admin.query('ROLLBACK')
  await admin.query('UPDATE carried_balances SET held_minor = held_minor - 1 WHERE held_minor > 0')
  const { rows } = await admin.query('SELECT FROM carried_balances WHERE held_minor = 29')
  assert.equal(rows.length, 1)
  const found = await look(pool)
  assert.match(found.get('balances_equal_entries')!.join('\n'), /held 20, they say 19/)
})

test('F3: verify knows what must be told though older events have left the outbox', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const admin = await connectAs(t, adminUrl)
  const [own, quiet] = [newWallet(), newWallet()]
  await openWallets(pool, [own, quiet])
  await runCommands(pool, move('credit', own, 100n), move('credit', quiet, 100n))
  await admin.query(`SELECT setval('outbox_id_seq', 2500000), rotate_outbox()`)
  await runCommands(pool, move('hold', own, 30n), move('debit', own, 5n), move('debit', own, 6n))
  await admin.query('DROP TABLE outbox_0')
  const { checked, violations } = await ledgerIsTold.run({ wallets: pool } as Evidence)
  assert.deepEqual({ checked, violations }, { checked: 3, violations: [] })
  const gone = await admin.query(`DELETE FROM outbox WHERE payload LIKE '%"amount_minor":5,%'`)
  assert.equal(gone.rowCount, 1)
  const found = (await look(pool)).get('ledger_is_told')!
  assert.match(
    found.join('\n'),
    new RegExp(`^account ${own.accountId} .* version 3, is told by no`),
  )
})
