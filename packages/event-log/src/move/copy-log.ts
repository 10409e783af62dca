import { positionKey, positionList, type Positions } from '../advance-offsets.ts'
import { EventLogError } from '../event-log-error.ts'
import type { EventLog, LogRecord, Position } from '../event-log.ts'
import { partitionOf } from '../partition-of.ts'
import { countRecords } from './ends-of.ts'

/** Records of one append: also what is lost of the work when the process dies. */
const COPY_RECORDS = 2_000

export type CopyOptions = {
  source: EventLog
  target: EventLog
  signal: AbortSignal
  /** Called after each append with the number of records that are in the target. */
  copied: (records: bigint) => void
}

/**
 * Copies what the target does not have yet: from its end on, partition by partition, so that each
 * record has the offset that it had. After each append the target's ends are read: an append that
 * was repeated would have moved them further.
 *
 * @throws {EventLogError} TOPIC_MISCONFIGURED when offsets would no longer be equal
 */
export async function copyLog(
  { source, target, signal, copied }: CopyOptions,
  from: readonly Position[],
): Promise<void> {
  const next: Positions = new Map(
    from.map(({ topic, partition, offset }) => [positionKey(topic, partition), offset]),
  )
  for (;;) {
    signal.throwIfAborted()
    const options = { maxRecords: COPY_RECORDS, waitMs: 0, signal }
    const records = await source.read(positionList(next), options)
    if (records.length === 0) return
    for (const record of records) checkPlace(record, next)
    await target.append(records)
    refuseOtherEnds(next, await target.end(positionList(next)))
    copied(countRecords(positionList(next)))
  }
}

/** A record must follow what is copied, and its key must belong to the partition that it is in. */
function checkPlace({ topic, partition, offset, key }: LogRecord, next: Positions): void {
  const place = positionKey(topic, partition)
  const follows = next.get(place) === offset && partitionOf(key) === partition
  if (!follows) {
    throw new EventLogError(
      'OFFSET_OUT_OF_RANGE',
      `record ${offset} in partition ${partition} of ${topic} cannot keep its place: ` +
        `${next.get(place)} comes next, and its key belongs to partition ${partitionOf(key)}`,
    )
  }
  next.set(place, offset + 1n)
}

function refuseOtherEnds(wanted: Positions, ends: readonly Position[]): void {
  for (const { topic, partition, offset } of ends) {
    const end = wanted.get(positionKey(topic, partition))!
    if (offset !== end) throw otherContent(topic, partition, `it ends at ${offset}, not ${end}`)
  }
}

/** The target has something else than the beginning of the source; nothing can be taken back. */
export function otherContent(topic: string, partition: number, difference: string): EventLogError {
  return new EventLogError(
    'TOPIC_MISCONFIGURED',
    `partition ${partition} of ${topic} in Kafka is no copy of the embedded log: ${difference}. ` +
      'Delete the topics of this system in Kafka and run the command again: it begins anew.',
  )
}
