import assert from 'node:assert/strict'
import { type Static, Type } from 'typebox'
import { BEHAVIOUR_PATTERN, type Behaviour, parseBehaviour } from './behaviour.ts'

const MAX_TOKENS = 10_000
// Only printable ASCII: PostgreSQL cannot store U+0000.
const TOKEN_PATTERN = '^[!-~]{1,512}$'
const BehaviourText = Type.String({
  pattern: BEHAVIOUR_PATTERN,
  description: 'a behaviour, such as unregistered or slow:250',
})

/** The body of PUT /admin/behaviour. Missing members get their defaults. */
export const BehaviourSettingsInput = Type.Object({
  default: Type.Optional(BehaviourText),
  by_token: Type.Optional(
    Type.Record(Type.String({ pattern: TOKEN_PATTERN }), BehaviourText, {
      maxProperties: MAX_TOKENS,
      additionalProperties: false,
    }),
  ),
})

/** Behaviour by device token; `default` applies to all other devices. */
export type BehaviourSettings = Required<Static<typeof BehaviourSettingsInput>>

/** Fills in the defaults of missing members. */
export function completeSettings(input: Static<typeof BehaviourSettingsInput>): BehaviourSettings {
  return { default: 'ok', by_token: {}, ...input }
}

/** Parses the settings once, so that each choice is a map lookup. */
export function createChooser(settings: BehaviourSettings): (deviceToken: string) => Behaviour {
  const byToken = new Map(
    Object.entries(settings.by_token).map(([token, text]) => [token, parsed(text)]),
  )
  const fallback = parsed(settings.default)
  return (deviceToken) => byToken.get(deviceToken) ?? fallback
}

function parsed(text: string): Behaviour {
  const behaviour = parseBehaviour(text)
  assert(behaviour !== null, `validated settings contain an unknown behaviour: ${text}`)
  return behaviour
}
