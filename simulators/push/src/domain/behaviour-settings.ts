import assert from 'node:assert/strict'
import { type Static, Type } from 'typebox'
import { BEHAVIOUR_PATTERN, type Behaviour, parseBehaviour } from './behaviour.ts'

const MAX_TOKENS = 10_000
// Printable, so that PostgreSQL can store every text that passes: it has no U+0000.
const TOKEN_PATTERN = '^[!-~]{1,512}$'
const BehaviourText = Type.String({
  pattern: BEHAVIOUR_PATTERN,
  description: 'a behaviour, such as unregistered or slow:250',
})

/** The body of PUT /admin/behaviour; what is left out falls back to its default. */
export const BehaviourSettingsInput = Type.Object({
  default: Type.Optional(BehaviourText),
  by_token: Type.Optional(
    Type.Record(Type.String({ pattern: TOKEN_PATTERN }), BehaviourText, {
      maxProperties: MAX_TOKENS,
      additionalProperties: false,
    }),
  ),
})

/** How the simulator behaves: by device token, else the default. */
export type BehaviourSettings = Required<Static<typeof BehaviourSettingsInput>>

/** The settings with everything that was left out. */
export function completeSettings(input: Static<typeof BehaviourSettingsInput>): BehaviourSettings {
  return { default: 'ok', by_token: {}, ...input }
}

/** Reads the settings once, so that choosing costs a look-up. */
export function createChooser(settings: BehaviourSettings): (deviceToken: string) => Behaviour {
  const byToken = new Map(
    Object.entries(settings.by_token).map(([token, text]) => [token, parsed(text)]),
  )
  const fallback = parsed(settings.default)
  return (deviceToken) => byToken.get(deviceToken) ?? fallback
}

function parsed(text: string): Behaviour {
  const behaviour = parseBehaviour(text)
  assert(behaviour !== null, `the settings were validated, yet ${text} is no behaviour`)
  return behaviour
}
