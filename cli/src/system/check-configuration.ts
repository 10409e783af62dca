import { ConfigError } from '@caudal/config/environment.ts'
import type { LoadedService } from './services.ts'

/**
 * Validates the configuration of all services before anything starts. `missing` has problems that
 * no single service can detect.
 *
 * @throws {ConfigError} with the problems of all services
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
