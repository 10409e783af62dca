import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import type { LogRecord } from '@caudal/event-log/event-log.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { Origin, Work } from '../ledger/origin.ts'
import { fundsPosted } from './funds-posted.ts'
import { readPosting } from './read-posting.ts'

/** Money that came back to a PSP, or left it again, is booked. */
export const postingHandlers: Handlers<Work> = {
  'posting.requested': postingWork,
}

/** A posting as a unit of work of the ledger. */
export function postingWork({
  event,
  record,
}: Pick<IncomingEvent<PostingRequested>, 'event' | 'record'>): Work | Unprocessable {
  const read = readPosting(event)
  if ('cause' in read) return new Unprocessable(read.cause)
  return { command: read.command, origin: postingOrigin(event, record) }
}

/** `funds.posted` is owed; a posting that contradicts what is booked is parked (rule 11). */
function postingOrigin(event: PostingRequested, record: LogRecord): Origin {
  return {
    traceparent: parseTraceparent(record.headers['traceparent']) ?? undefined,
    slot: record.partition,
    events: (outcome, circumstances) => fundsPosted(event, outcome, circumstances),
    park: ({ kind, cause }) => ({
      record,
      kind: kind === 'waiting' ? 'waiting' : 'unprocessable',
      cause: `${event.event_type} ${event.posting_id}: ${cause}`,
    }),
  }
}
