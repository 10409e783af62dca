// The load generator's process: one plan in, one report out.
import { drive } from './drive.ts'
import type { LoadPlan, LoadReport } from './load-plan.ts'

process.once('message', (plan: LoadPlan) => {
  const report = (it: LoadReport): void => {
    process.send!(it, () => process.exit(0))
  }
  drive(plan).then(
    (result) => report({ result }),
    (error: unknown) => report({ error: String(error) }),
  )
})
