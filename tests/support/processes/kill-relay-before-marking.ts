import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from '@caudal/testing/eventually.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { connectAsAdmin } from '../database-server.ts'
import { countIn } from './inspect-processes.ts'
import type { TestCluster } from './test-cluster.ts'

const PROGRAM = join(import.meta.dirname, 'dying-relay.ts')
/** The minimum number of events that are published twice. */
const BACKLOG = 20

/**
 * Makes a relay the leader that is killed between publishing and marking. Takes the relay lock from
 * the service, waits until the outbox has a backlog, and releases the lock while the service's
 * processes are stopped. Returns the signal that ended the relay.
 */
export async function killRelayBeforeMarking(
  { system, dataDir, kafka }: TestCluster,
  service: 'payments' | 'wallets',
): Promise<NodeJS.Signals | null> {
  const holder = await connectAsAdmin(dataDir, `caudal_${service}`)
  // Waits for the lock before its owner loses it, so that no other relay gets it first.
  const locked = holder.query(`SELECT pg_advisory_lock(hashtext('caudal_relay'))`)
  const other = await connectAsAdmin(dataDir, `caudal_${service}`)
  await other.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'caudal-relay' AND datname = current_database()`,
  )
  await other.end()
  await locked
  await eventually(async () => (await countIn(dataDir, service, 'outbox_unpublished')) >= BACKLOG, {
    timeoutMs: 60_000,
    label: 'the outbox has a backlog',
  })
  const url = (await findSystem({ dataDir, url: undefined })).databaseUrl(`caudal_${service}`)
  const child = spawn(process.execPath, [PROGRAM, url, kafka.brokers.join(',')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  await Promise.race([once(child.stdout, 'data'), ended])
  const processes = system.of(service).filter(({ pid }) => pid !== undefined)
  for (const one of processes) one.pause()
  try {
    await holder.end()
    const [, signal] = await ended
    return signal
  } finally {
    for (const one of processes) one.resume()
  }
}
