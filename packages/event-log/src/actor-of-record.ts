import { type Actor, isActor } from '@caudal/contracts/actor.ts'
import { type ParseEvent, parseEvent } from '@caudal/contracts/parse-event.ts'
import type { LogRecord } from './event-log.ts'

/**
 * Who caused the event of a record, of this release or a later one (ADR 0017). Undefined for a
 * value that is no event: its members could hold anything, such as a name.
 */
export function actorOfRecord(
  { value }: Pick<LogRecord, 'value'>,
  parse: ParseEvent = parseEvent,
): Actor | undefined {
  const parsed = parse(value)
  if (parsed.kind === 'unreadable') return undefined
  if (parsed.kind === 'event') return parsed.event.actor
  const { actor } = JSON.parse(value) as { actor?: unknown }
  return isActor(actor) ? { type: actor.type, id: actor.id } : undefined
}
