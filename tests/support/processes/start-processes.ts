// `node start-processes.ts … --data DIR`: replaces `caudal start --json` if the end-to-end tests
// run every service in its own process. Ignores all other arguments.
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { runProcesses } from './run-processes.ts'

const { values } = parseArgs({ options: { data: { type: 'string' } }, strict: false })

const stopped = new Promise<void>((resolve) => {
  // Ctrl-C may arrive twice; only the first signal counts.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve())
})
try {
  const dataDir = String(values.data)
  const { state, stop } = await runProcesses({
    dataDir,
    // Systems share the brokers; each has its own topics, which are the same after a restart.
    env: { ...configurationOf(process.env), KAFKA_PREFIX: `${basename(dataDir)}.` },
  })
  const { gateway_url, console_url, psp_url, asyncbank_url, push_url, data_dir, pid } = state
  const urls = { gateway_url, console_url, psp_url, asyncbank_url, push_url }
  console.log(JSON.stringify({ event: 'ready', ...urls, data_dir, pid }))
  await stopped
  const failed = await stop()
  if (failed.length > 0) throw new Error(`processes stopped with errors: ${failed.join('\n')}`)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}

/** The variables that the test set for the system, and the brokers. */
function configurationOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = Object.keys(env).filter((name) =>
    /^(CAUDAL_(?!TEST_)|KAFKA_|REDIS_URL$)/.test(name),
  )
  return Object.fromEntries(names.map((name) => [name, env[name]]))
}
