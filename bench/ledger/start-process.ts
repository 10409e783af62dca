import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { NODE_FLAGS } from '../node-flags.ts'

export interface StartedProcess {
  url: string
  stop(): Promise<void>
}

/** A benchmark that fails must leave nothing running. */
const WITH_PARENT = pathToFileURL(join(import.meta.dirname, 'end-with-parent.ts')).href
const START_TIMEOUT_MS = 30_000

/** Starts a script that listens and says where. @throws {Error} when it says what went wrong */
export async function startProcess(
  script: string,
  settings: Serializable = {},
): Promise<StartedProcess> {
  const child = fork(script, { execArgv: [...NODE_FLAGS, '--import', WITH_PARENT] })
  const exited = once(child, 'exit')
  child.send(settings)
  const signal = AbortSignal.timeout(START_TIMEOUT_MS)
  const [said] = (await once(child, 'message', { signal })) as [{ url?: string; error?: string }]
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  if (said.url === undefined) {
    await stop()
    throw new Error(said.error)
  }
  return { url: said.url, stop }
}
