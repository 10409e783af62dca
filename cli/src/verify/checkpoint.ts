import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { readClock } from '@caudal/postgres/read-clock.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { UsageError } from '../errors.ts'
import type { Databases } from './check.ts'
import type { Digest } from './digests.ts'

/** Up to where everything is final: what a run checks from there on is what came since. */
export type CheckpointPosition = {
  /** The ledger has posted all transfers of earlier times; an ISO time in whole milliseconds. */
  bookedFrom: string
  /** All payments up to this id are final, and so is what follows from them. */
  paymentId: string
  /** All events of the ledger up to this id are of earlier times: those after it may be. */
  outboxId: bigint
}

/** A run of `caudal verify` without violations: what it covered, and digests to prove it later. */
export type Checkpoint = { madeAt: string; position: CheckpointPosition; digests: Digest[] }

const VERSION = 2
/** In a busy system, what is younger may still change. */
const MARGIN_MS = 60_000

type FileContent = {
  version: number
  made_at: string
  booked_from: string
  payment_id: string
  outbox_id: string
  digests: Digest[]
}

/** Writes the checkpoint atomically, signed with the client's secret. */
export async function writeCheckpoint(
  file: string,
  { madeAt, position, digests }: Checkpoint,
  secret: string,
): Promise<void> {
  const content: FileContent = {
    version: VERSION,
    made_at: madeAt,
    booked_from: position.bookedFrom,
    payment_id: position.paymentId,
    outbox_id: position.outboxId.toString(),
    digests,
  }
  const signed = { ...content, signature: signatureOf(content, secret) }
  const draft = `${file}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(signed, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, file)
}

/**
 * Reads a checkpoint that this system's operator made.
 *
 * @throws {UsageError} if the file is missing, damaged, forged or of another system or release
 */
export async function readCheckpoint(file: string, secret: string): Promise<Checkpoint> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`could not read the checkpoint ${file}`, { cause: error })
  })
  const { signature, ...content } = parse(text, file)
  const expected = Buffer.from(signatureOf(content, secret))
  const found = Buffer.from(String(signature))
  if (found.length !== expected.length || !timingSafeEqual(found, expected)) {
    throw new UsageError(
      `the checkpoint ${file} was not made by "caudal verify" of this system, or was changed: ` +
        'its signature does not match. Run "caudal verify" without --since.',
    )
  }
  if (content.version !== VERSION) {
    throw new UsageError(
      `the checkpoint ${file} is of another release. Run "caudal verify" without --since.`,
    )
  }
  return {
    madeAt: content.made_at,
    position: {
      bookedFrom: new Date(content.booked_from).toISOString(),
      paymentId: content.payment_id,
      outboxId: BigInt(content.outbox_id),
    },
    digests: content.digests,
  }
}

function parse(text: string, file: string): FileContent & { signature?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) {
      return value as FileContent & { signature?: unknown }
    }
  } catch {
    // Reported below, like any other content.
  }
  throw new UsageError(`${file} is not a checkpoint of "caudal verify"`)
}

/** @throws {UsageError} if there is no secret to sign a checkpoint with */
export function requireSecret(secret: string): void {
  if (secret !== '') return
  throw new UsageError(
    'a checkpoint is signed with the secret of the client: CAUDAL_CLIENT_SECRET is not set',
  )
}

function signatureOf(content: FileContent, secret: string): string {
  requireSecret(secret)
  return createHmac('sha256', `caudal-verify-checkpoint/${secret}`)
    .update(JSON.stringify(content))
    .digest('base64url')
}

/** Finds the position up to which everything is final now; an idle system needs no margin. */
export async function findPosition(
  databases: Databases,
  isIdle: boolean,
): Promise<CheckpointPosition> {
  const { payments, notifications, wallets } = databases
  const clock = wallets ?? payments ?? Object.values(databases)[0]
  const now = clock === undefined ? new Date() : await readClock(clock)
  const from = new Date(now.getTime() - (isIdle ? 0 : MARGIN_MS))
  const ids = [firstIdAt(from)]
  if (payments !== undefined) {
    const open = await firstId(
      payments,
      'SELECT payment_id FROM payments WHERE finalized_at IS NULL OR finalized_at >= $1',
      [from],
    )
    if (open !== undefined) ids.push(idBefore(open))
  }
  if (notifications !== undefined) {
    const pending = await firstId(
      notifications,
      `SELECT payment_id FROM notifications WHERE status = 'PENDING' AND of_payment_id IS NULL`,
    )
    if (pending !== undefined) ids.push(idBefore(pending))
  }
  return {
    bookedFrom: from.toISOString(),
    paymentId: ids.reduce((lowest, id) => (id < lowest ? id : lowest)),
    outboxId: wallets === undefined ? 0n : await lastEventBefore(wallets, from),
  }
}

async function firstId(
  db: Db,
  statement: string,
  values: unknown[] = [],
): Promise<string | undefined> {
  const { rows } = await db.query<{ payment_id: string }>(
    `${statement} ORDER BY payment_id LIMIT 1`,
    values,
  )
  return rows[0]?.payment_id
}

// Ids are given out before their transactions commit, so a margin is left out.
async function lastEventBefore(wallets: Db, time: Date): Promise<bigint> {
  const { rows } = await wallets.query<{ id: bigint }>(
    'SELECT id FROM outbox WHERE created_at < $1 ORDER BY id DESC LIMIT 1',
    [new Date(time.getTime() - MARGIN_MS)],
  )
  return rows[0]?.id ?? 0n
}

/** The lowest UUIDv7 of a time; a payment's id has the time of its request. */
function firstIdAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

function idBefore(id: string): string {
  const before = BigInt(`0x${id.replaceAll('-', '')}`) - 1n
  const hex = (before < 0n ? 0n : before).toString(16).padStart(32, '0')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
