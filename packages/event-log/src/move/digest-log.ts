import { createHash, type Hash } from 'node:crypto'
import { positionKey } from '../advance-offsets.ts'
import { EventLogError } from '../event-log-error.ts'
import type { EventLog, LogRecord, Position } from '../event-log.ts'

const READ_RECORDS = 2_000
const WAIT_MS = 5_000
const EMPTY_READS_AT_MOST = 12

/** SHA-256 of all records of a partition, in order, by `topic partition`. */
export type Digests = ReadonlyMap<string, string>

/** What follows `next` up to `end`, and the records on the way. */
type Reading = { next: bigint; end: bigint; hash: Hash }

/**
 * Reads the log from its beginning up to the ends and returns a digest of each partition: of
 * offsets, keys, values and headers.
 *
 * @throws {EventLogError} OFFSET_OUT_OF_RANGE where offsets are missing
 */
export async function digestLog(
  log: EventLog,
  ends: readonly Position[],
  signal: AbortSignal,
): Promise<Digests> {
  const readings = new Map<string, Reading>(
    ends.map(({ topic, partition, offset: end }) => [
      positionKey(topic, partition),
      { next: 0n, end, hash: createHash('sha256') },
    ]),
  )
  for (let empty = 0; ;) {
    const positions = unread(ends, readings)
    if (positions.length === 0) break
    signal.throwIfAborted()
    const records = await log.read(positions, {
      maxRecords: READ_RECORDS,
      waitMs: WAIT_MS,
      signal,
    })
    empty = records.length === 0 ? empty + 1 : 0
    if (empty === EMPTY_READS_AT_MOST) {
      throw new EventLogError('EVENT_LOG_UNAVAILABLE', 'the log gives no more of its records')
    }
    for (const record of records) digestRecord(readings, record)
  }
  return new Map([...readings].map(([key, { hash }]) => [key, hash.digest('hex')]))
}

function unread(ends: readonly Position[], readings: ReadonlyMap<string, Reading>): Position[] {
  return ends.flatMap(({ topic, partition, offset: end }) => {
    const { next } = readings.get(positionKey(topic, partition))!
    return next < end ? [{ topic, partition, offset: next }] : []
  })
}

function digestRecord(readings: ReadonlyMap<string, Reading>, record: LogRecord): void {
  const { topic, partition, offset, key, value, headers } = record
  const reading = readings.get(positionKey(topic, partition))!
  if (offset >= reading.end) return
  if (offset !== reading.next) {
    throw new EventLogError(
      'OFFSET_OUT_OF_RANGE',
      `partition ${partition} of ${topic} has no record ${reading.next}: the next one is ${offset}`,
    )
  }
  reading.next = offset + 1n
  const sorted = Object.entries(headers).toSorted(([one], [other]) => (one < other ? -1 : 1))
  reading.hash.update(JSON.stringify([String(offset), key, value, sorted]))
}
