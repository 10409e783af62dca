import type { NewRecord } from '../event-log.ts'
import { partitionOf } from '../partition-of.ts'

/** Bytes of one send at most, before compression: half of what a broker takes by default. */
const CHUNK_BYTES = 512 * 1024
/** What a record takes beside its key, value and headers, generously. */
const RECORD_OVERHEAD_BYTES = 64

/** Records of one partition, in order; what is sent at once. */
export type Chunk = { topic: string; partition: number; records: NewRecord[]; bytes: number }

/**
 * A batch as it is sent: rounds that follow each other, in each at most one chunk of a partition.
 * So one request of a partition is under way at a time, and its order holds under repeats.
 */
export function appendRounds(records: readonly NewRecord[]): Chunk[][] {
  const rounds: Chunk[][] = []
  const last = new Map<string, { chunk: Chunk; round: number }>()
  for (const record of records) {
    const partition = partitionOf(record.key)
    const place = `${record.topic} ${partition}`
    const bytes = sizeOf(record)
    const known = last.get(place)
    if (known && known.chunk.bytes + bytes <= CHUNK_BYTES) {
      known.chunk.records.push(record)
      known.chunk.bytes += bytes
      continue
    }
    const round = known ? known.round + 1 : 0
    const chunk = { topic: record.topic, partition, records: [record], bytes }
    last.set(place, { chunk, round })
    if (round === rounds.length) rounds.push([])
    rounds[round]!.push(chunk)
  }
  return rounds
}

function sizeOf({ key, value, headers }: NewRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value)
  for (const [name, text] of Object.entries(headers)) bytes += name.length + Buffer.byteLength(text)
  return bytes
}
