import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { LoadPlan, LoadReport, LoadResult } from './load-plan.ts'

const PROCESS = join(import.meta.dirname, 'load-process.ts')

/**
 * Runs the plan in a separate process.
 *
 * @throws {Error} if any request failed
 */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const child = fork(PROCESS, { execArgv: ['--max-semi-space-size=32'] })
  const exited = once(child, 'exit')
  try {
    child.send(plan)
    const [report] = (await once(child, 'message', {
      signal: AbortSignal.timeout((plan.seconds + 60) * 1_000),
    })) as [LoadReport]
    if ('error' in report) throw new Error(report.error)
    return report.result
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}
