import { UsageError } from '../errors.ts'

const VARIABLE = 'CAUDAL_EXTERNAL_SERVICES'
/** The stand-ins: the operator's own take their place. */
const REPLACEABLE = ['identity', 'orders', 'psp', 'asyncbank', 'push']

/**
 * The services in whose place the operator runs its own, by `CAUDAL_EXTERNAL_SERVICES`. They have
 * no database or list here that a command could read.
 *
 * @throws {UsageError} for a name that is not one of a stand-in
 */
export function externalServices(env: NodeJS.ProcessEnv): ReadonlySet<string> {
  const names = (env[VARIABLE] ?? '').split(',').map((name) => name.trim())
  const external = new Set(names.filter((name) => name !== ''))
  const unknown = [...external].find((name) => !REPLACEABLE.includes(name))
  if (unknown === undefined) return external
  const known = REPLACEABLE.join(', ')
  throw new UsageError(`${VARIABLE} names "${unknown}"; the services that it may name are ${known}`)
}
