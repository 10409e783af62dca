import { after, type HookOptions } from 'node:test'
import type { TestScope } from './test-database.ts'

/**
 * Creates the scope of a suite whose tests share a database or a service. Call it inside
 * `describe`. An `after` that is called inside a hook would belong to that hook, so this scope
 * collects the hooks and runs them in order in one `after` hook, to which `options` apply.
 */
export function suiteScope(options: HookOptions = {}): TestScope {
  const hooks: Array<() => void | Promise<void>> = []
  after(async () => {
    for (const hook of hooks) await hook()
  }, options)
  return { after: (hook) => void hooks.push(hook) }
}
