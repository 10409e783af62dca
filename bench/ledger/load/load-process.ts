// The process of a load generator: receives one plan and sends one report.
import { generateLoad } from './generate-load.ts'
import type { LoadPlan, LoadReport } from './load-plan.ts'

process.once('message', (plan: LoadPlan) => {
  const report = (it: LoadReport): void => {
    process.send!(it, () => process.exit(0))
  }
  generateLoad(plan).then(
    (result) => report({ result }),
    (error: unknown) => report({ error: String(error) }),
  )
})
