import { userInfo } from 'node:os'
import { actOnParked, type ParkedCommand } from '@caudal/event-log/act-on-parked.ts'
import { findAhead } from '@caudal/event-log/find-ahead.ts'
import { formatRecordId } from '@caudal/event-log/format-record-id.ts'
import { PARK_KINDS, type ParkKind } from '@caudal/event-log/park-error.ts'
import { findParked, listParked, type ParkedEntry } from '@caudal/event-log/parked-list.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Invocation } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { note, printJson, printLine } from '../output.ts'
import { choiceOption, integerOption, textOption } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'
import { CONSUMERS } from '../verify/outbox-checks.ts'
import { detailLines, detailsJson, parkedJson } from './describe-parked.ts'
import { withDatabases } from './open-databases.ts'
import { parseRecordId, type RecordId } from './record-id.ts'

const LIMIT = { min: 1, max: 10_000 }
const LIMIT_DEFAULT = 100
const REASON_LENGTH = 1_000
const ACTOR_LENGTH = 255

/** Runs one action of `caudal dlq`, whose options are checked; resolves to the exit code. */
export function runDlq(invocation: Invocation): Promise<number> {
  const [action, ...ids] = invocation.positionals
  if (action === 'list') return list(invocation)
  if (ids.length === 0) throw new UsageError(`dlq ${action} takes the id of a record`)
  const records = [...new Set(ids)].map((id) => parseRecordId(id, CONSUMERS))
  if (action === 'show') return show(invocation, records)
  return act(invocation, records, action === 'redrive' ? 'redriven' : 'discarded')
}

async function list(invocation: Invocation): Promise<number> {
  const { values } = invocation
  const limit = integerOption(values, 'limit', LIMIT, LIMIT_DEFAULT)
  const kind = choiceOption(values, 'kind', PARK_KINDS) as ParkKind | undefined
  const service = choiceOption(values, 'service', CONSUMERS)
  const system = await findSystem(invocation)
  const services = CONSUMERS.filter((name) => (service ?? name) === name && system.runs(name))
  const found = await withDatabases(system, services, async (databases) => {
    const lists = [...databases].map(async ([name, db]) => {
      const entries = await listParked(db, name, { kind, limit: limit + 1 })
      return entries.map((entry) => ({ name, entry }))
    })
    return (await Promise.all(lists)).flat()
  })
  const oldestFirst = found.toSorted(
    (one, other) => one.entry.parkedAt.getTime() - other.entry.parkedAt.getTime(),
  )
  const records = oldestFirst.slice(0, limit)
  const hasMore = found.length > limit
  if (invocation.json) {
    const data = records.map(({ name, entry }) => parkedJson(name, entry))
    printJson({ data, has_more: hasMore })
  }
  for (const { name, entry } of records) printLine(lineOf(name, entry), invocation)
  if (records.length === 0) printLine('no parked records', invocation)
  if (hasMore) note(`caudal: there are more than ${limit}; see --limit`)
  return EXIT.done
}

function lineOf(service: string, entry: ParkedEntry): string {
  const id = formatRecordId(service, entry)
  return `${entry.parkedAt.toISOString()}  ${entry.kind.padEnd(13)} ${id}  ${entry.cause}`
}

async function show(invocation: Invocation, [record, ...others]: RecordId[]): Promise<number> {
  if (record === undefined || others.length > 0) throw new UsageError('dlq show takes one id')
  const { service, place } = record
  const system = await findSystem(invocation)
  const found = await withDatabases(system, [service], (databases) =>
    findParked(databases.get(service)!, service, place),
  )
  if (found === undefined) {
    const id = formatRecordId(service, place)
    note(`caudal: ${id} is not a parked record`)
    if (invocation.json) printJson({ id, reason: 'RECORD_NOT_PARKED' })
    return EXIT.no
  }
  if (invocation.json) printJson(detailsJson(service, found))
  for (const line of detailLines(service, found)) printLine(line, invocation)
  return EXIT.done
}

async function act(
  invocation: Invocation,
  records: readonly RecordId[],
  action: ParkedCommand['action'],
): Promise<number> {
  const reason = text(textOption(invocation.values, 'reason'), 'reason', REASON_LENGTH)
  const id = text(
    textOption(invocation.values, 'actor', `uid-${userInfo().uid}`),
    'actor',
    ACTOR_LENGTH,
  )
  const command: ParkedCommand = { action, reason, actor: { type: 'operator', id } }
  const byService = Map.groupBy(records, ({ service }) => service)
  const system = await findSystem(invocation)
  const acted = await withDatabases(system, [...byService.keys()], (databases) =>
    Promise.all(
      [...byService].map(([service, own]) => actAt(databases.get(service)!, service, own, command)),
    ),
  )
  const changed = new Set(acted.flatMap((each) => each.changed))
  const waiting = acted.flatMap((each) => each.waiting)
  const ids = records.map(({ service, place }) => formatRecordId(service, place))
  const refused = ids.filter((each) => !changed.has(each))
  if (invocation.json) {
    const waits = action === 'redriven' ? { waiting } : {}
    printJson({ action, changed: [...changed], not_open: refused, ...waits })
  }
  for (const each of changed) printLine(`${action}  ${each}`, invocation)
  for (const { id: each, behind } of waiting) {
    note(`caudal: ${each} is tried only after ${behind}, an earlier open record of its key`)
  }
  for (const each of refused) note(`caudal: ${each} is not an open parked record`)
  return refused.length === 0 ? EXIT.done : EXIT.no
}

type Acted = { changed: string[]; waiting: { id: string; behind: string }[] }

/** In one service; `waiting` are redriven records that stand behind another of their key. */
async function actAt(
  db: Db,
  service: string,
  records: readonly RecordId[],
  command: ParkedCommand,
): Promise<Acted> {
  const places = records.map(({ place }) => place)
  const changed = await actOnParked(db, service, places, command)
  const behind = command.action === 'redriven' ? await findAhead(db, service, changed) : []
  return {
    changed: changed.map((place) => formatRecordId(service, place)),
    waiting: behind.map(({ place, ahead }) => ({
      id: formatRecordId(service, place),
      behind: formatRecordId(service, ahead),
    })),
  }
}

/** @throws {UsageError} for a text that is blank or too long */
function text(value: string, option: string, maxLength: number): string {
  const trimmed = value.trim()
  if (trimmed !== '' && trimmed.length <= maxLength) return trimmed
  throw new UsageError(`--${option} takes 1 to ${maxLength} characters`)
}
