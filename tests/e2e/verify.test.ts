import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { readCheckpoint } from 'caudal/verify/checkpoint.ts'
import { CHECKS, verifySystem } from 'caudal/verify/verify-system.ts'
import { runCli } from '../../cli/test/run-cli.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { cameBack, caseAboutMoney } from '../support/planted-returns.ts'
import {
  forgottenPayment,
  plantedViolations,
  type UsedSystem,
  withPlanted,
} from '../support/planted-violations.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { suiteSystem } from '../support/suite-system.ts'
import { USED_ROUTES, useSystem } from '../support/use-system.ts'
import { paymentWithStatus, postPayment, seed, setBehaviour } from '../support/user-client.ts'

type Open = { count: number; oldest_seconds: number; payment_ids: string[] }
type Verified = {
  ok: boolean
  checks: { name: string; checked: number; violations: string[]; violation_count: number }[]
  open: { in_doubt: Open; unfinished: Open }
}

describe('verify', () => {
  const scope = suiteScope()
  const system = suiteSystem(scope, { env: { CAUDAL_PSP_ROUTES: USED_ROUTES } })
  let used: UsedSystem
  before(async () => {
    await setBehaviour(system.psp_url, { by_account: { hanging: 'hang' } })
    used = await useSystem(system.data_dir, system)
  })

  async function verify(code: number, ...args: string[]): Promise<Verified> {
    const result = await runCaudal(system.data_dir, ['verify', ...args, '--json'])
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout} ${result.stderr}`)
    return JSON.parse(result.stdout) as Verified
  }

  /** Runs verify since a checkpoint and returns why it is refused. */
  async function refusal(file: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const args = ['verify', '--wait', '0', '--since', file, '--data', system.data_dir]
    const { code, stdout, stderr } = await runCli(args, { env })
    assert.notEqual(code, 0)
    assert.equal(stdout, '')
    assert.match(stderr, /^caudal: [^\n]+\n$/)
    return stderr
  }

  test('P14: every check of verify finds its planted violations', SLOW, async (t) => {
    const own = await findSystem({ dataDir: system.data_dir, url: undefined })
    const proved = new Set<string>()
    for (const plant of plantedViolations(used)) {
      const { ok, checks } = await withPlanted(system.data_dir, plant, () =>
        verifySystem(own, 0, { confirmAfterMs: 0 }),
      )
      const { violations } = checks.find(({ name }) => name === plant.check)!
      assert.equal(ok, false, plant.what)
      assert.ok(
        violations.some((violation) => violation.includes(plant.says)),
        `${plant.what}: ${JSON.stringify(checks.flatMap((check) => check.violations))}`,
      )
      proved.add(plant.check)
      t.diagnostic(`${plant.check} finds ${plant.what}`)
    }
    assert.deepEqual([...proved].toSorted(), CHECKS.map(({ name }) => name).toSorted())
    const [plant] = plantedViolations(used)
    assert.equal((await withPlanted(system.data_dir, plant!, () => verify(1))).ok, false)
    assert.equal((await verify(0)).ok, true, 'no violations after the planted one is removed')
  })

  test('P14: a case of another reason hides nothing that came back', SLOW, async () => {
    const own = await findSystem({ dataDir: system.data_dir, url: undefined })
    await withPlanted(system.data_dir, caseAboutMoney(used), async () => {
      assert.equal((await verifySystem(own, 0)).ok, true)
      for (const plant of cameBack(used)) {
        const { checks } = await withPlanted(system.data_dir, plant, () =>
          verifySystem(own, 0, { confirmAfterMs: 0 }),
        )
        const { violations } = checks.find(({ name }) => name === plant.check)!
        assert.ok(violations.join('\n').includes(plant.says), plant.what)
      }
    })
  })

  test('payments that are not final are open, and no violations', SLOW, async () => {
    const forgotten = randomUUID()
    const plant = forgottenPayment(used, forgotten)
    const stuck = await withPlanted(system.data_dir, plant, () => verify(0, '--wait', '2'))
    const { count, payment_ids: ids, oldest_seconds: age } = stuck.open.unfinished
    assert.deepEqual([count, ids], [1, [forgotten]])
    assert.ok(age > 0)

    const [user] = await seed(system.data_dir, { account: 'hanging' })
    const { body } = await postPayment(system.gateway_url, user!)
    const id = String(body['payment_id'])
    const moving = await verify(0, '--wait', '0')
    assert.deepEqual(
      [...moving.open.unfinished.payment_ids, ...moving.open.in_doubt.payment_ids],
      [id],
    )
    await paymentWithStatus(system.gateway_url, user!, id, ['IN_DOUBT'])
    const doubtful = await verify(0, '--wait', '0')
    assert.deepEqual(doubtful.open.in_doubt.payment_ids, [id])
    await setBehaviour(system.psp_url, { default: 'approve' })
    await paymentWithStatus(system.gateway_url, user!, id, ['COMPLETED', 'FAILED'])
  })

  test('verify without waiting finds no violation in payments under way', SLOW, async () => {
    const users = await seed(system.data_dir, { users: 30 })
    const paying = Promise.all(users.map((user) => postPayment(system.gateway_url, user)))
    const own = await findSystem({ dataDir: system.data_dir, url: undefined })
    let last = await verifySystem(own, 0)
    for (let run = 0; run < 5; run += 1) {
      const { ok, checks } = last
      assert.ok(ok, JSON.stringify(checks.filter(({ violations }) => violations.length > 0)))
      last = await verifySystem(own, 0)
    }
    await paying
    assert.equal((await verify(0)).open.unfinished.count, 0)
  })

  test('a check lists ten violations and counts the others', async () => {
    const admin = await connectAsAdmin(system.data_dir, 'caudal_psp')
    try {
      const raised = await admin.query('UPDATE payments SET amount_minor = amount_minor + 1')
      const { checks } = await verify(1)
      await admin.query('UPDATE payments SET amount_minor = amount_minor - 1')
      const { violations, violation_count: count } = checks.find(
        ({ name }) => name === 'completed_charged_once',
      )!
      assert.ok(raised.rowCount! > 30)
      assert.deepEqual([violations.length, count], [10, raised.rowCount])
    } finally {
      await admin.end()
    }
  })

  test('a run since a checkpoint finds all that a full run finds', SLOW, async () => {
    const file = join(system.data_dir, 'checkpoint.json')
    const [plant] = plantedViolations(used)
    await withPlanted(system.data_dir, plant!, () => verify(1, '--checkpoint', file))
    await assert.rejects(stat(file), 'a run with violations makes no checkpoint')
    const all = await verify(0, '--checkpoint', file)
    const own = await findSystem({ dataDir: system.data_dir, url: undefined })
    const since = await readCheckpoint(file, own.client.secret)
    // What is planted in a payment of before makes the checkpoint void.
    for (const planted of plantedViolations(used)) {
      const messages = await withPlanted(system.data_dir, planted, () => messagesSince(own, since))
      assert.notDeepEqual(messages, [], planted.what)
    }
    // What is planted in a payment of after is found by its check.
    const later = await useSystem(system.data_dir, system)
    const newer = await verify(0, '--since', file)
    for (const name of ['holds_match_payments', 'entries_sum_to_zero', 'events_match_ledger']) {
      const of = ({ checks }: Verified) => checks.find((check) => check.name === name)!.checked
      assert.ok(of(newer) > 0 && of(newer) < of(all), `${name}: ${of(newer)} of ${of(all)}`)
    }
    for (const planted of plantedViolations(later)) {
      const messages = await withPlanted(system.data_dir, planted, () => messagesSince(own, since))
      const found = messages.some((violation) => violation.startsWith(planted.check))
      assert.ok(found, `${planted.what}: ${JSON.stringify(messages)}`)
    }
  })

  async function messagesSince(
    own: Awaited<ReturnType<typeof findSystem>>,
    since: Awaited<ReturnType<typeof readCheckpoint>>,
  ): Promise<string[]> {
    try {
      const { checks } = await verifySystem(own, 0, { since, confirmAfterMs: 0 })
      return checks.flatMap(({ name, violations }) =>
        violations.map((violation) => `${name}: ${violation}`),
      )
    } catch (error) {
      assert.match(String(error), /does not hold any more, so nothing can build on it/)
      return [String(error)]
    }
  }

  test('a forged, foreign or damaged checkpoint is refused', SLOW, async () => {
    const file = join(system.data_dir, 'proof.json')
    const forged = join(system.data_dir, 'forged.json')
    await verify(0, '--checkpoint', file)
    const made = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    const later = { ...made, payment_id: 'ffffffff-ffff-ffff-ffff-fffffffffffe' }
    await writeFile(forged, JSON.stringify(later))
    assert.match(await refusal(forged), /its signature does not match/)
    assert.match(
      await refusal(file, { CAUDAL_CLIENT_SECRET: randomUUID() }),
      /was not made by "caudal verify" of this system/,
    )
    await writeFile(forged, '{"version": 1')
    assert.match(await refusal(forged), /is not a checkpoint of "caudal verify"/)
    assert.match(await refusal(join(system.data_dir, 'nothing')), /could not read the checkpoint/)
    // A system that was restored to an earlier state lacks what the checkpoint covers.
    const admin = await connectAsAdmin(system.data_dir, 'caudal_notifications')
    try {
      await admin.query('BEGIN')
      const kept = 'CREATE TEMP TABLE kept ON COMMIT PRESERVE ROWS AS SELECT * FROM notifications'
      await admin.query(kept)
      await admin.query('DELETE FROM notifications')
      await admin.query('COMMIT')
      assert.match(await refusal(file), /notifications: then \d+ rows, sum 0, now 0 rows, sum 0\./)
      await admin.query('INSERT INTO notifications SELECT * FROM kept')
    } finally {
      await admin.end()
    }
    assert.equal((await verify(0, '--since', file)).ok, true)
  })
})
