import { isDeepStrictEqual } from 'node:util'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { positionKey } from '../advance-offsets.ts'
import { EventLogError } from '../event-log-error.ts'
import type { Position } from '../event-log.ts'
import type { LogIds } from '../log-identity.ts'
import { checkSource } from './check-source.ts'
import { type CopyOptions, copyLog, otherContent } from './copy-log.ts'
import { digestLog } from './digest-log.ts'
import { countRecords, endsOf } from './ends-of.ts'
import { beginMove, findMove, noteStep } from './move-journal.ts'

export type MoveOptions = Omit<CopyOptions, 'copied'> & {
  /** The database of the embedded log, as the role that owns it. */
  logDb: Db
  /** Called at each part of the work, for people. */
  progress: (line: string) => void
}

/** The identity of the topics that have all records now, and how many those are. */
export type MovedRecords = { target: LogIds; records: bigint }

/**
 * Copies the embedded log to empty topics with equal offsets, or goes on with a copy that was
 * interrupted, and compares both. Nothing may append to either log meanwhile. When it returns, the
 * step of the move is `copied` or `moved`.
 *
 * @throws {EventLogError} TOPIC_MISCONFIGURED when the topics have other records
 */
export async function moveRecords(options: MoveOptions): Promise<MovedRecords> {
  const { source, target, logDb, progress, signal } = options
  await checkSource(logDb)
  const ends = await endsOf(source)
  const records = countRecords(ends)
  const ids = await target.identify(Object.values(TOPICS))
  const copied = await prepareTarget(options, ids)
  if (copied === 'all') return { target: ids, records }
  const had = countRecords(copied)
  progress(`copying ${records} records${had > 0n ? `, ${had} of them are there` : ''}`)
  const report = (count: bigint): void => progress(`copied ${count} of ${records} records`)
  await copyLog({ source, target, signal, copied: report }, copied)
  progress('comparing both logs')
  refuseOtherEnds(ends, await endsOf(target))
  await compare(options, ends)
  await noteStep(logDb, 'copied')
  return { target: ids, records }
}

/** How far the target is a copy: its ends, each 0 for a move that begins, or `all`. */
async function prepareTarget(
  options: MoveOptions,
  ids: LogIds,
): Promise<readonly Position[] | 'all'> {
  const { target, logDb, progress } = options
  const move = await findMove(logDb)
  const isSame = move !== undefined && isDeepStrictEqual(new Map(move.target), new Map(ids))
  if (move !== undefined && !isSame && move.step !== 'copying') {
    const message =
      'the move of this log to other topics has been finished or is about to be: run the command ' +
      'with the KAFKA_BROKERS and KAFKA_PREFIX that it began with'
    throw new EventLogError('OTHER_LOG', message)
  }
  const ends = await endsOf(target)
  if (isSame && move.step !== 'copying') {
    // Nothing is appended to a log that was copied; in Kafka records may follow.
    if (move.step === 'copied') await compare(options, await endsOf(options.source))
    return 'all'
  }
  if (isSame) {
    progress('going on with a copy that was interrupted: comparing what is there')
    await compare(options, ends)
    return ends
  }
  const used = ends.find(({ offset }) => offset > 0n)
  if (used !== undefined) {
    const { topic, partition, offset } = used
    const message =
      `partition ${partition} of ${topic} in Kafka has ${offset} records, but a log is only ` +
      'moved to empty topics: choose another KAFKA_PREFIX or another cluster, or delete the topics'
    throw new EventLogError('TOPIC_MISCONFIGURED', message)
  }
  await beginMove(logDb, ids)
  return ends
}

function refuseOtherEnds(wanted: readonly Position[], found: readonly Position[]): void {
  for (const [index, { topic, partition, offset }] of wanted.entries()) {
    const end = found[index]!.offset
    if (end !== offset) throw otherContent(topic, partition, `it ends at ${end}, not ${offset}`)
  }
}

/** Compares both logs from the beginning up to the ends. */
async function compare(
  { source, target, signal }: MoveOptions,
  ends: readonly Position[],
): Promise<void> {
  const [ourEnds, theirEnds] = await Promise.all([endsOf(source), endsOf(target)])
  for (const [index, { topic, partition, offset }] of ends.entries()) {
    const [ours, theirs] = [ourEnds[index]!.offset, theirEnds[index]!.offset]
    if (offset <= ours && offset <= theirs) continue
    throw otherContent(topic, partition, `it has ${theirs} records, the embedded log ${ours}`)
  }
  const [ours, theirs] = await Promise.all([
    digestLog(source, ends, signal),
    digestLog(target, ends, signal),
  ])
  for (const { topic, partition } of ends) {
    const key = positionKey(topic, partition)
    if (ours.get(key) !== theirs.get(key)) {
      throw otherContent(topic, partition, 'its records differ')
    }
  }
}
