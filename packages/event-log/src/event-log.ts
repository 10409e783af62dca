import type { LogIds } from './log-identity.ts'

/** A record as it goes into the log; its key decides the partition. */
export type NewRecord = {
  topic: string
  key: string
  value: string
  headers: Record<string, string>
}

/** A record as it stands in the log. */
export type LogRecord = NewRecord & { partition: number; offset: bigint }

export type TopicPartition = { topic: string; partition: number }

/** `offset` is that of the next record to read. */
export type Position = TopicPartition & { offset: bigint }

export type ReadOptions = {
  maxRecords: number
  /** How long to wait for the first record when there is none. */
  waitMs: number
  signal: AbortSignal
}

export type Membership = {
  /** Reports this member's positions to the group, for displays of lag; false where that failed. */
  report(positions: readonly Position[]): Promise<boolean>
  /** Leaves the group; the partitions go to other members. */
  leave(): Promise<void>
}

/** Called with all partitions of this member when they change; with none when they are lost. */
export type AssignmentListener = (partitions: readonly TopicPartition[]) => void

/**
 * The event log (ADR 0003): at least once, in order per partition, for ever. Two drivers keep this
 * contract, shown by one conformance suite; a service never knows which one it has.
 */
export interface EventLog {
  /**
   * Appends records in order; returns when all are durable. After an error some may be there: the
   * caller appends them again, and consumers recognise the second copy.
   */
  append(records: readonly NewRecord[]): Promise<void>
  /** Reads on from the positions, in order per partition; waits when there is nothing. */
  read(positions: readonly Position[], options: ReadOptions): Promise<LogRecord[]>
  /** Joins a group. It assigns partitions; positions are the service's own (ADR 0002). */
  join(group: string, topics: readonly string[], listen: AssignmentListener): Promise<Membership>
  /** The first offset that can still be read, of each partition. */
  earliest(partitions: readonly TopicPartition[]): Promise<Position[]>
  /** The offset that the next record will get, of each partition. */
  end(partitions: readonly TopicPartition[]): Promise<Position[]>
  /** Which log each topic is in: durable positions belong to it and to no other one. */
  identify(topics: readonly string[]): Promise<LogIds>
  close(): Promise<void>
}
