import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Edit, makeEditedCopy } from '../../support/edited-copy.ts'
import { startCrashSystem } from '../points/crash-system.ts'
import { killAtBoundaries } from '../points/kill-at-boundaries.ts'
import type { Crashed, ServicePoints } from '../points/service-points.ts'

/** An edited service, and the points at which it is killed. */
type Mistake = { service: Crashed; edits: Edit[]; points: ServicePoints }

const MISTAKES: Record<string, Mistake> = {
  'positions move outside of the transaction': {
    service: 'wallets',
    edits: [
      {
        file: 'packages/event-log/src/apply-batch.ts',
        find: 'await advanceOffsets(tx, consumer, advancesOf(records, positions), keys)',
        replace: `await transaction(db, (own) =>
          advanceOffsets(own, consumer, advancesOf(records, positions), keys))`,
      },
    ],
    points: { wallets: ['payments.requested.before'] },
  },
  'the outbox is written after the commit': {
    service: 'processor',
    edits: [
      {
        file: 'services/processor/src/store/save-verdicts.ts',
        find: '${outboxInsert(events)}',
        replace: '${outboxInsert([])}',
      },
      {
        file: 'services/processor/src/store/save-verdicts.ts',
        find: `crashPoint('after', 'verdicts')`,
        replace: `crashPoint('after', 'verdicts')
          await db.query(outboxInsert(events))`,
      },
    ],
    points: { processor: ['verdicts.after'] },
  },
}
const ENDED_MS = 20_000

for (const [mistake, { service, edits, points }] of Object.entries(MISTAKES)) {
  test(`a crash finds that ${mistake}`, { timeout: 900_000 }, async (t) => {
    const roots = { [service]: await makeEditedCopy(t, edits) }
    const system = await startCrashSystem(t, { roots })
    const found = await killAtBoundaries(t, system, points, ENDED_MS)
    t.diagnostic(found.join('\n'))
    assert.ok(
      found.some((one) => / in payments\./.test(one)),
      'some payment has not ended',
    )
  })
}
