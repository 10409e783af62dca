import { formatRecordId } from '@caudal/event-log/format-record-id.ts'
import type { ParkedDetails, ParkedEntry } from '@caudal/event-log/parked-list.ts'
import { lastFour, maskCardNumbers } from '@caudal/telemetry/mask-numbers.ts'

/** The member, and its value: a text, which a cut may leave open, or a number. */
const ACCOUNT_NUMBER = /("(?:\w+_)?account_number"\s*:\s*)(?:"((?:[^"\\]|\\.)*)|(\d+))/g

/** A parked record of a list as `--json` prints it. */
export function parkedJson(service: string, entry: ParkedEntry): object {
  return {
    id: formatRecordId(service, entry),
    service,
    kind: entry.kind,
    cause: entry.cause,
    key: entry.key,
    record_key: entry.recordKey,
    attempts: entry.attempts,
    parked_at: entry.parkedAt.toISOString(),
    next_attempt_at: entry.kind === 'unprocessable' ? null : entry.nextAttemptAt.toISOString(),
  }
}

/** A parked record with its content and history as `--json` prints it. */
export function detailsJson(service: string, details: ParkedDetails): object {
  return {
    ...parkedJson(service, details),
    resolution: details.resolution ?? null,
    resolved_at: details.resolvedAt?.toISOString() ?? null,
    records_behind: details.behind,
    headers: details.headers,
    value: shown(details.value),
    actions: details.actions.map(({ action, actorType, actorId, reason, at }) => ({
      action,
      actor: { type: actorType, id: actorId },
      reason,
      at: at.toISOString(),
    })),
  }
}

/** The same for people. */
export function detailLines(service: string, details: ParkedDetails): string[] {
  const state = details.resolution
    ? `${details.resolution} at ${details.resolvedAt!.toISOString()}`
    : `open, ${details.behind} records of its key wait behind it`
  return [
    `${formatRecordId(service, details)}  ${details.kind}  ${state}`,
    `  cause     ${details.cause}`,
    `  key       ${details.key}`,
    `  record    key ${details.recordKey}`,
    `  parked    ${details.parkedAt.toISOString()}, ${details.attempts} attempts`,
    `  headers   ${shown(JSON.stringify(details.headers))}`,
    `  value     ${shown(details.value)}`,
    ...details.actions.map(
      ({ action, actorType, actorId, reason, at }) =>
        `  ${action.padEnd(9)} ${at.toISOString()} by ${actorType} ${actorId}: ${reason}`,
    ),
  ]
}

/**
 * The record as it is, but for account numbers and what may be a card number, which are shown by
 * their last four characters.
 */
function shown(value: string): string {
  return maskCardNumbers(
    value.replaceAll(ACCOUNT_NUMBER, (_, member: string, text?: string, number?: string) => {
      return text === undefined
        ? `${member}${lastFour(number ?? '')}`
        : `${member}"${lastFour(text)}`
    }),
  )
}
