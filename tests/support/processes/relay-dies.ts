import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from '@caudal/testing/eventually.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { connectAsAdmin } from '../database-server.ts'
import { countIn } from './look-inside.ts'
import type { World } from './world.ts'

const PROGRAM = join(import.meta.dirname, 'dying-relay.ts')
/** So many events at least are published twice. */
const BACKLOG = 20

/**
 * Lets a relay lead that dies between publishing and marking: the outbox's lock is taken away from
 * the service, events gather, and while its processes hang the lock is free for the other one.
 * Returns the signal that ended it.
 */
export async function relayDiesBeforeItMarks(
  { system, dataDir, kafka }: World,
  service: 'payments' | 'wallets',
): Promise<NodeJS.Signals | null> {
  const holder = await connectAsAdmin(dataDir, `caudal_${service}`)
  // In line for the lock before its owner loses it, so that no other relay is faster.
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
    label: 'events gather in the outbox',
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
