import type { EnvironmentReader } from '@caudal/config/environment.ts'
import { type BehaviourSettings, completeSettings } from './behaviour-settings.ts'
import { parseBehaviour } from './behaviour.ts'

const MAX_LATENCY_MS = 60_000
const MAX_SEED = 2 ** 32 - 1

/** Reads the first behaviour from `<prefix>_BEHAVIOUR`, `_LATENCY_MS` and `_SEED`. */
export function readBehaviour(reader: EnvironmentReader, prefix: string): BehaviourSettings {
  const name = `${prefix}_BEHAVIOUR`
  const fallback = reader.text(name, 'approve')
  if (parseBehaviour(fallback) === null) reader.refuse(name, 'is not a known behaviour')
  const latency = { min: 0, max: MAX_LATENCY_MS }
  return completeSettings({
    default: fallback,
    latency_ms: reader.integer(`${prefix}_LATENCY_MS`, latency, 0),
    seed: reader.integer(`${prefix}_SEED`, { min: 0, max: MAX_SEED }, 1),
  })
}
