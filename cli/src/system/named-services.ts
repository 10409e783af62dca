import { UsageError } from '../errors.ts'
import { SERVICE_ENTRIES } from './services.ts'

/** The names of all services, in the order in which they are listed. */
export const ALL_SERVICES: readonly string[] = [...SERVICE_ENTRIES.keys()]

/**
 * The services that the words of a command name, each once; without a word, all of them.
 *
 * @throws {UsageError} for a word that is no service
 */
export function namedServices(words: readonly string[]): readonly string[] {
  const unknown = words.find((name) => !SERVICE_ENTRIES.has(name))
  if (unknown !== undefined) {
    throw new UsageError(
      `unknown service "${unknown}"; the services are ${ALL_SERVICES.join(', ')}`,
    )
  }
  return words.length === 0 ? ALL_SERVICES : [...new Set(words)]
}
