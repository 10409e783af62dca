import { before } from 'node:test'
import type { TestScope } from '@caudal/testing/test-database.ts'
import {
  dataDirectory,
  type LaunchedSystem,
  type LaunchOptions,
  launchSystem,
} from './launch-system.ts'

/**
 * Starts a system before the tests of a suite, in a data directory of its own. Call it inside
 * `describe`: the members of the system are there from the next `before` hook on.
 */
export function suiteSystem(
  scope: TestScope,
  options: Omit<LaunchOptions, 'dataDir'> = {},
): LaunchedSystem {
  const system = {} as LaunchedSystem
  before(async () => {
    const dataDir = await dataDirectory(scope)
    Object.assign(system, await launchSystem(scope, { dataDir, ...options }))
  })
  return system
}
