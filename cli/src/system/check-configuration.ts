import { ConfigError } from '@caudal/http/environment.ts'
import type { LoadedService } from './services.ts'

/**
 * Refuses what cannot work before anything is started: the bad variables of all services at once.
 *
 * @throws {ConfigError}
 */
export function checkConfiguration(
  services: readonly LoadedService[],
  env: NodeJS.ProcessEnv,
): void {
  const problems = services.flatMap((service) => {
    try {
      service.check(env)
      return []
    } catch (error) {
      if (error instanceof ConfigError) return error.problems
      throw error
    }
  })
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
}
