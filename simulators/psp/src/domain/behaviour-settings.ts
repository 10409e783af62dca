import assert from 'node:assert/strict'
import { type Static, Type } from 'typebox'
import { BEHAVIOUR_PATTERN, type Behaviour, parseBehaviour, resolveBehaviour } from './behaviour.ts'
import { seededRandom } from './seeded-random.ts'

const MAX_ACCOUNTS = 10_000
const MAX_LATENCY_MS = 60_000
const MAX_SEED = 2 ** 32 - 1

// Control characters are refused because PostgreSQL cannot store U+0000.
const ACCOUNT_PATTERN = '^[^\\u0000-\\u001f\\u007f]{1,64}$'
const BehaviourText = Type.String({
  pattern: BEHAVIOUR_PATTERN,
  description: 'a behaviour, such as decline or slow:250',
})

/** The body of PUT /admin/behaviour. Missing members get their defaults. */
export const BehaviourSettingsInput = Type.Object({
  default: Type.Optional(BehaviourText),
  by_account: Type.Optional(
    Type.Record(Type.String({ pattern: ACCOUNT_PATTERN }), BehaviourText, {
      maxProperties: MAX_ACCOUNTS,
      additionalProperties: false,
    }),
  ),
  latency_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_LATENCY_MS })),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_SEED })),
})

/** Behaviour by destination account; `default` applies to all other accounts. */
export type BehaviourSettings = Required<Static<typeof BehaviourSettingsInput>>

const DEFAULTS: BehaviourSettings = { default: 'approve', by_account: {}, latency_ms: 0, seed: 1 }

/** Fills in the defaults of missing members. */
export function completeSettings(input: Static<typeof BehaviourSettingsInput>): BehaviourSettings {
  return { ...DEFAULTS, ...input }
}

/** Chooses the behaviour of a request. Each `random` choice advances the seeded sequence. */
export interface BehaviourChooser {
  latencyMs: number
  choose(accountNumber: string): Exclude<Behaviour, { kind: 'random' }>
}

/** Parses the settings once, so that each choice is a map lookup. */
export function createChooser(settings: BehaviourSettings): BehaviourChooser {
  const byAccount = new Map(
    Object.entries(settings.by_account).map(([account, text]) => [account, parsed(text)]),
  )
  const fallback = parsed(settings.default)
  const random = seededRandom(settings.seed)
  return {
    latencyMs: settings.latency_ms,
    choose: (accountNumber) => resolveBehaviour(byAccount.get(accountNumber) ?? fallback, random),
  }
}

function parsed(text: string): Behaviour {
  const behaviour = parseBehaviour(text)
  assert(behaviour !== null, `validated settings contain an unknown behaviour: ${text}`)
  return behaviour
}
