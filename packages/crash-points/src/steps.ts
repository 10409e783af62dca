import { TOPICS } from '@caudal/contracts/topics.ts'

const { cases: _cases, ledger: _ledger, ...CONSUMED } = TOPICS

/** Each consumer of a topic commits batches with its records. */
const BATCHES = Object.values(CONSUMED)

/** What else is committed, by one transaction or by a statement that is one. */
const COMMITS = [
  'users',
  'orders',
  'accounts',
  'ledger-commands',
  'expired-holds',
  'payment-requests',
  'refund-requests',
  'cancels',
  'due-operations',
  'verdicts',
  'answers',
  'callbacks',
  'facts',
  'reprocessed-callbacks',
  'psp-states',
  'due-notifications',
  'deliveries',
  'outbox-marks',
] as const

/**
 * What is asked of another system: of the log, a bank or a push service. Positions are stored
 * within a batch, and reported to the log afterwards.
 */
const CALLS = ['append', 'positions', 'report', 'pay', 'refund', 'void', 'query', 'push'] as const

/** The steps of all services. A service can be killed at the boundaries of each one it makes. */
export const STEPS = [...BATCHES, ...COMMITS, ...CALLS]

/** The name of a step. Nothing asks for a payout yet, so no service reaches that one. */
export type Step = (typeof STEPS)[number] | 'payout'

/** A boundary of a step: before it begins, or after it has its effect and before what follows. */
export type CrashPoint = `${Step}.${'before' | 'after'}`

/** Every boundary of every step. */
export const CRASH_POINTS: readonly CrashPoint[] = STEPS.flatMap(
  (step) => [`${step}.before`, `${step}.after`] as const,
)
