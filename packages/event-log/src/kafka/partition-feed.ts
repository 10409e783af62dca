import type { RecordsBatch } from '@platformatic/kafka'
import type { LogRecord, Position } from '../event-log.ts'

const IS_CONTROL = 0x20

/** What has been fetched ahead of one partition: its records from `position` up to `next`. */
export class PartitionFeed {
  readonly topic: string
  readonly partition: number
  /** Where the reader stands. */
  position: bigint
  /** What is to be fetched next; beyond the last record, where markers follow it. */
  next: bigint
  #records: LogRecord[] = []
  #taken = 0

  constructor({ topic, partition, offset }: Position) {
    this.topic = topic
    this.partition = partition
    this.position = offset
    this.next = offset
  }

  get waiting(): number {
    return this.#records.length - this.#taken
  }

  /** Adds what was fetched at `next`. A batch can begin before it: Kafka gives whole ones. */
  add(batches: readonly RecordsBatch[]): void {
    for (const batch of batches) {
      const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if ((batch.attributes & IS_CONTROL) === 0) this.#addBatch(batch)
      if (end > this.next) this.next = end
    }
  }

  /** Hands out the oldest records, `count` at most, and moves the position behind them. */
  take(count: number): LogRecord[] {
    const taken = this.#records.slice(this.#taken, this.#taken + count)
    this.#taken += taken.length
    const last = taken.at(-1)
    if (last) this.position = last.offset + 1n
    if (this.#taken === this.#records.length) {
      this.#records = []
      this.#taken = 0
    }
    return taken
  }

  #addBatch({ firstOffset, records }: RecordsBatch): void {
    const { topic, partition, next } = this
    for (const { offsetDelta, key, value, headers } of records) {
      const offset = firstOffset + BigInt(offsetDelta)
      if (offset < next) continue
      this.#records.push({
        topic,
        partition,
        offset,
        key: key?.toString() ?? '',
        value: value?.toString() ?? '',
        headers: Object.fromEntries(
          headers.map(([name, text]) => [name?.toString() ?? '', text?.toString() ?? '']),
        ),
      })
    }
  }
}

/** Takes records of all feeds, `count` at most, evenly: a long partition starves no other. */
export function takeEvenly(feeds: readonly PartitionFeed[], count: number): LogRecord[] {
  const records: LogRecord[] = []
  const full = feeds
    .filter(({ waiting }) => waiting > 0)
    .toSorted((left, right) => left.waiting - right.waiting)
  for (const [index, feed] of full.entries()) {
    const share = Math.ceil((count - records.length) / (full.length - index))
    records.push(...feed.take(share))
  }
  return records
}
