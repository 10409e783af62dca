import { formatRecordId } from '@caudal/event-log/format-record-id.ts'
import type { ParkedDetails, ParkedEntry } from '@caudal/event-log/parked-list.ts'
import { lastFour } from '@caudal/telemetry/mask-numbers.ts'

const ACCOUNT_NUMBER = /("(?:\w+_)?account_number"\s*:\s*")([^"]*)/g

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
    `  headers   ${JSON.stringify(details.headers)}`,
    `  value     ${shown(details.value)}`,
    ...details.actions.map(
      ({ action, actorType, actorId, reason, at }) =>
        `  ${action.padEnd(9)} ${at.toISOString()} by ${actorType} ${actorId}: ${reason}`,
    ),
  ]
}

/** The record as it is, but for account numbers, which are shown by their last four characters. */
function shown(value: string): string {
  return value.replaceAll(ACCOUNT_NUMBER, (_, member: string, number: string) => {
    return `${member}${lastFour(number)}`
  })
}
