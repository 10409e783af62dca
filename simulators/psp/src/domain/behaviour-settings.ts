import assert from 'node:assert/strict'
import { type Static, Type } from 'typebox'
import { BEHAVIOUR_PATTERN, type Behaviour, parseBehaviour, settleBehaviour } from './behaviour.ts'
import { seededRandom } from './seeded-random.ts'

const MAX_ACCOUNTS = 10_000
const MAX_LATENCY_MS = 60_000
const MAX_SEED = 2 ** 32 - 1

// Printable, so that PostgreSQL can store every text that passes: it has no U+0000.
const ACCOUNT_PATTERN = '^[^\\u0000-\\u001f\\u007f]{1,64}$'
const BehaviourText = Type.String({
  pattern: BEHAVIOUR_PATTERN,
  description: 'a behaviour, such as decline or slow:250',
})

/** The body of PUT /admin/behaviour; what is left out falls back to its default. */
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

/** How the simulator behaves: by destination account, else the default. */
export type BehaviourSettings = Required<Static<typeof BehaviourSettingsInput>>

const DEFAULTS: BehaviourSettings = { default: 'approve', by_account: {}, latency_ms: 0, seed: 1 }

/** The settings with everything that was left out. */
export function completeSettings(input: Static<typeof BehaviourSettingsInput>): BehaviourSettings {
  return { ...DEFAULTS, ...input }
}

/** Chooses the behaviour for a request; each `random` choice moves the seeded sequence on. */
export interface BehaviourChooser {
  latencyMs: number
  choose(accountNumber: string): Exclude<Behaviour, { kind: 'random' }>
}

/** Reads the settings once, so that choosing costs a look-up. */
export function createChooser(settings: BehaviourSettings): BehaviourChooser {
  const byAccount = new Map(
    Object.entries(settings.by_account).map(([account, text]) => [account, parsed(text)]),
  )
  const fallback = parsed(settings.default)
  const random = seededRandom(settings.seed)
  return {
    latencyMs: settings.latency_ms,
    choose: (accountNumber) => settleBehaviour(byAccount.get(accountNumber) ?? fallback, random),
  }
}

function parsed(text: string): Behaviour {
  const behaviour = parseBehaviour(text)
  assert(behaviour !== null, `the settings were validated, yet ${text} is no behaviour`)
  return behaviour
}
