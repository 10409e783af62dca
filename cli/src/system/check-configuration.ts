import { ConfigError } from '@caudal/http/environment.ts'
import type { LoadedService } from './services.ts'

/**
 * Refuses what cannot work before anything is started: the bad variables of all services at once,
 * and what is missing beyond what each service knows of.
 *
 * @throws {ConfigError}
 */
export function checkConfiguration(
  services: readonly LoadedService[],
  env: NodeJS.ProcessEnv,
  missing: readonly string[],
): void {
  const bad = services.flatMap((service) => {
    try {
      service.check(env)
      return []
    } catch (error) {
      if (error instanceof ConfigError) return error.problems
      throw error
    }
  })
  const problems = new Set([...bad, ...missing])
  if (problems.size > 0) throw new ConfigError([...problems])
}
