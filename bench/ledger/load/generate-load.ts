import { percentiles } from 'caudal/traffic/percentiles.ts'
import { composeRequests, type RequestComposer } from './compose-requests.ts'
import { type HttpConnection, openConnection } from './http-connection.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'

const HOLD_ID = /"hold_id":"([0-9a-f-]{36})"/
const DONE_IN_BATCH = '{"status":200,'

interface Load {
  plan: LoadPlan
  requests: RequestComposer
  endsAtMs: number
  sent: number
  commands: number
  latenciesMs: number[]
}

/** Runs a plan: each connection sends its next request after the response to the last one. */
export async function generateLoad(plan: LoadPlan): Promise<LoadResult> {
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const load: Load = {
    plan,
    requests: composeRequests(plan),
    endsAtMs: startedAt + plan.seconds * 1_000,
    sent: 0,
    commands: 0,
    latenciesMs: [],
  }
  await Promise.all(Array.from({ length: plan.connections }, () => runConnection(load)))
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    requests: load.sent,
    commands: load.commands,
    latenciesMs: percentiles(load.latenciesMs),
    elapsedMs: performance.now() - startedAt,
    cpuMs: (user + system) / 1_000,
  }
}

async function runConnection(load: Load): Promise<void> {
  const { plan, requests } = load
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let startedAt = 0
  let accountId = ''
  const start = (): void => {
    startedAt = performance.now()
    if (startedAt >= load.endsAtMs) {
      connection.close()
      resolve()
      return
    }
    load.sent += 1
    if (plan.shape === 'hold_commit') {
      accountId = requests.nextAccount()
      connection.send(requests.hold(accountId))
    } else {
      connection.send(plan.shape === 'debit' ? requests.debit() : requests.batch())
    }
  }
  const onResponse = (status: number, body: string): void => {
    const holdId = plan.shape === 'hold_commit' ? HOLD_ID.exec(body)?.[1] : undefined
    if (status !== 200 || !isComplete(plan, body)) {
      reject(new Error(`a request failed with ${status}: ${body.slice(0, 300)}`))
      connection.close()
    } else if (holdId !== undefined) {
      load.sent += 1
      connection.send(requests.commit(accountId, holdId))
    } else {
      load.latenciesMs.push(performance.now() - startedAt)
      load.commands += plan.shape === 'batch' ? plan.commandsPerBatch : 1
      start()
    }
  }
  const connection: HttpConnection = await openConnection(new URL(plan.url), onResponse, reject)
  start()
  return promise
}

/** Whether every command of a batch succeeded; for other requests the status is enough. */
function isComplete({ shape, commandsPerBatch }: LoadPlan, body: string): boolean {
  if (shape !== 'batch') return true
  let done = 0
  for (let at = body.indexOf(DONE_IN_BATCH); at !== -1; at = body.indexOf(DONE_IN_BATCH, at + 1)) {
    done += 1
  }
  return done === commandsPerBatch
}
