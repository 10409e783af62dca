import { after, type HookOptions } from 'node:test'
import type { Scope } from './test-database.ts'

/**
 * The scope of a suite whose tests share a database or a service; call it inside `describe`. An
 * `after` that is called inside a hook belongs to that hook, so the hooks are kept here and run in
 * one, first come, first served; `options` are of that one.
 */
export function suiteScope(options: HookOptions = {}): Scope {
  const hooks: Array<() => void | Promise<void>> = []
  after(async () => {
    for (const hook of hooks) await hook()
  }, options)
  return { after: (hook) => void hooks.push(hook) }
}
