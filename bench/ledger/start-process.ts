import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { NODE_FLAGS } from '../node-flags.ts'

/** A running child process that serves at `url`. */
export interface StartedProcess {
  url: string
  stop(): Promise<void>
}

/** Ends the child with its parent, so that a failed benchmark leaves no process running. */
const WITH_PARENT = pathToFileURL(join(import.meta.dirname, 'end-with-parent.ts')).href
const START_TIMEOUT_MS = 30_000

/**
 * Starts a script and waits until it sends its URL.
 *
 * @throws {Error} with the script's message if it failed to start
 */
export async function startProcess(
  script: string,
  settings: Serializable = {},
): Promise<StartedProcess> {
  const child = fork(script, { execArgv: [...NODE_FLAGS, '--import', WITH_PARENT] })
  const exited = once(child, 'exit')
  child.send(settings)
  const signal = AbortSignal.timeout(START_TIMEOUT_MS)
  const [message] = (await once(child, 'message', { signal })) as [{ url?: string; error?: string }]
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  if (message.url === undefined) {
    await stop()
    throw new Error(message.error)
  }
  return { url: message.url, stop }
}
