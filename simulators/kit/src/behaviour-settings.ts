import assert from 'node:assert/strict'
import { type Static, Type } from 'typebox'
import {
  BEHAVIOUR_PATTERN,
  type Behaviour,
  type ChosenBehaviour,
  parseBehaviour,
  resolveBehaviour,
} from './behaviour.ts'
import { seededRandom } from './seeded-random.ts'

const MAX_ACCOUNTS = 10_000
const MAX_LATENCY_MS = 60_000
const MAX_SEED = 2 ** 32 - 1
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_PERIOD_MS = 3_650 * DAY_MS

// Control characters are refused because PostgreSQL cannot store U+0000.
const ACCOUNT_PATTERN = '^[^\\u0000-\\u001f\\u007f]{1,64}$'
const BehaviourText = Type.String({
  pattern: BEHAVIOUR_PATTERN,
  description: 'a behaviour, such as decline or slow:250',
})
const Period = Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_PERIOD_MS }))

/** The body of PUT /admin/behaviour. Missing members get their defaults. */
export const BehaviourSettingsInput = Type.Object({
  default: Type.Optional(BehaviourText),
  by_account: Type.Optional(
    Type.Record(Type.String({ pattern: ACCOUNT_PATTERN }), BehaviourText, {
      maxProperties: MAX_ACCOUNTS,
      additionalProperties: false,
    }),
  ),
  by_operation: Type.Optional(
    Type.Object({
      pay: Type.Optional(BehaviourText),
      refund: Type.Optional(BehaviourText),
      void: Type.Optional(BehaviourText),
      payout: Type.Optional(BehaviourText),
      query: Type.Optional(BehaviourText),
    }),
  ),
  latency_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_LATENCY_MS })),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_SEED })),
  void_ms: Period,
  refund_ms: Period,
  settle_ms: Period,
  key_ms: Period,
})

type Input = Static<typeof BehaviourSettingsInput>
type Filled = 'default' | 'by_account' | 'latency_ms' | 'seed'

/** Behaviour by destination account, else by operation; `default` applies to all others. */
export type BehaviourSettings = Required<Pick<Input, Filled>> & Omit<Input, Filled>

/** What the bank can be asked to do, each with a random sequence of its own. */
export type Operation = 'pay' | 'refund' | 'void' | 'payout' | 'query'
// The place decides what a seed draws.
const OPERATIONS: readonly Operation[] = ['pay', 'refund', 'void', 'query', 'payout']

const DEFAULTS: BehaviourSettings = { default: 'approve', by_account: {}, latency_ms: 0, seed: 1 }
const PERIODS = { void_ms: HOUR_MS / 4, refund_ms: 180 * DAY_MS, settle_ms: 200, key_ms: DAY_MS }

/** Fills in the defaults of missing members. */
export function completeSettings(input: Input): BehaviourSettings {
  return { ...DEFAULTS, ...input }
}

/** Chooses the behaviour of a request. Each random choice advances the seeded sequence. */
export interface BehaviourChooser {
  latencyMs: number
  /** How old a charge may be for a void, and for a refund. */
  voidMs: number
  refundMs: number
  /** How long a transfer takes, and how long its key is known, where the bank has both. */
  settleMs: number
  keyMs: number
  choose(accountNumber: string, operation?: Exclude<Operation, 'query'>): ChosenBehaviour
  /** Only `by_operation.query` changes how a status query is answered; null without it. */
  chooseForQuery(): ChosenBehaviour | null
}

/** Parses the settings once, so that each choice is a map lookup. */
export function createChooser(settings: BehaviourSettings): BehaviourChooser {
  const byAccount = new Map(
    Object.entries(settings.by_account).map(([account, text]) => [account, parsed(text)]),
  )
  const { by_operation: named = {}, seed, latency_ms: latencyMs } = settings
  const fallback = parsed(settings.default)
  // A query that is asked once more, or earlier, does not change what payments and refunds get.
  const byOperation = new Map(
    OPERATIONS.map((operation, index) => {
      const text = named[operation]
      const random = seededRandom(seed + index)
      return [operation, { behaviour: text === undefined ? null : parsed(text), random }]
    }),
  )
  const periods = { ...PERIODS, ...settings }
  return {
    latencyMs,
    voidMs: periods.void_ms,
    refundMs: periods.refund_ms,
    settleMs: periods.settle_ms,
    keyMs: periods.key_ms,
    choose(accountNumber, operation = 'pay') {
      const { behaviour, random } = byOperation.get(operation)!
      return resolveBehaviour(byAccount.get(accountNumber) ?? behaviour ?? fallback, random)
    },
    chooseForQuery() {
      const { behaviour, random } = byOperation.get('query')!
      return behaviour && resolveBehaviour(behaviour, random)
    },
  }
}

function parsed(text: string): Behaviour {
  const behaviour = parseBehaviour(text)
  assert(behaviour !== null, `validated settings contain an unknown behaviour: ${text}`)
  return behaviour
}
