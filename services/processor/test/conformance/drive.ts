import { deadlineIn } from '@caudal/outbound/deadline.ts'
import { decideDue } from '../../src/domain/decide-due.ts'
import { decideOutcome } from '../../src/domain/decide-outcome.ts'
import { decideStatus } from '../../src/domain/decide-status.ts'
import { canBeQueried, isKeyExpired } from '../../src/domain/learn-next.ts'
import { isOver, itsIdOf, newOperation, type PspOperation } from '../../src/domain/psp-operation.ts'
import type { PspAdapter } from '../../src/psp/adapter.ts'
import type { PspClient } from '../../src/psp/psp-client.ts'
import type { ExpectedOperation } from '../../src/psp/read-verdict.ts'
import { policy } from '../retry-policy.ts'

/** What happens to one call beside what the PSP does. */
export type Fault = 'none' | 'answer_lost' | 'a_day_passes'

const DAY_MS = 24 * 3_600_000
/** A call that hangs ends after this time. */
const CALL_MS = 150

/** One operation that the rules of the processor move on, by calls over real sockets. */
export type Driven = {
  readonly state: PspOperation
  /** Whether a day has passed since it began. */
  readonly isOld: boolean
  /** Whether nothing but a callback can end it: it cannot be asked about nor sent again. */
  readonly isStuck: boolean
  /** Makes the next call, if there is one. Time passes until it is due. */
  step(fault: Fault): Promise<void>
}

/**
 * Begins an operation. Its time is not that of the machine: waits are skipped, and a day may pass
 * between two calls.
 */
export function drive(
  { adapter, client }: { adapter: PspAdapter; client: PspClient },
  expected: ExpectedOperation,
  body: Buffer,
): Driven {
  let state = newOperation(0)
  let now = 0
  const { capabilities } = adapter
  const contextOf = () => ({ now, jitter: 0.5, policy, psp: 'main', capabilities })

  async function execute(attempt: number, fault: Fault): Promise<void> {
    const request = { expected, body, traceparent: null }
    const { outcome } = await client.send(request, deadlineIn(CALL_MS))
    // The holder is gone: the next step finds the attempt after its deadline.
    if (fault === 'answer_lost') return
    now += CALL_MS
    state = decideOutcome(state, { attempt, outcome }, contextOf()).operation
  }

  async function query(number: number, fault: Fault): Promise<void> {
    const asked = { expected, itsId: itsIdOf(state), traceparent: null }
    const { answer } = await client.find(asked, deadlineIn(CALL_MS))
    if (fault === 'answer_lost') return
    now += CALL_MS
    state = decideStatus(state, { query: number, answer }, contextOf()).operation
  }

  return {
    get state() {
      return state
    },
    get isOld() {
      return now >= DAY_MS
    },
    get isStuck() {
      const isExpired = isKeyExpired(state, { policy, capabilities }, now)
      return !isOver(state) && isExpired && !canBeQueried(state, { capabilities })
    },
    async step(fault) {
      if (fault === 'a_day_passes') now += DAY_MS
      now = Math.max(now, state.dueAt ?? now)
      const decision = decideDue(state, 'send', contextOf())
      state = decision.operation
      if (decision.call?.kind === 'send') await execute(decision.call.attempt, fault)
      else if (decision.call?.kind === 'query') await query(decision.call.query, fault)
    },
  }
}
