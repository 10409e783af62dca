import { paymentHasEnded } from '../system/payments-api.ts'

type Parked = {
  record_id: string
  kind: string
  cause: string
  attempts: number
  parked_at: string
  next_attempt_at: string | null
}

/** What one service answered about a payment. */
export type ServiceWaits = {
  parked: (Parked & { behind: Parked | null })[]
  next: { step: string; at: string } | null
}

/** One reason why a payment waits, and what to do about it. */
export type Wait = {
  /** null if it is not known which service it waits for. */
  service: string | null
  reason: 'parked' | 'behind' | 'next_step' | 'no_answer' | 'unknown'
  record_id: string | null
  cause: string
  since: string | null
  /** What happens by itself or has to be done. */
  next: string
}

type Asked = {
  payment: { status: string; created_at: string }
  answers: Readonly<Record<string, ServiceWaits>>
  missing: Readonly<Record<string, string>>
  now: number
}

/** A payment moves within seconds; one that is older waits for something. */
const MOVES_WITHIN_MS = 30_000
const STEPS: Readonly<Record<string, string>> = {
  'psp.send': 'the request is sent to the PSP',
  'psp.wait_for_circuit':
    'calls to its bank or the PSP fail: it is sent once one succeeds, or given up',
  'psp.await_answer': 'the answer of the PSP counts as lost',
  'psp.query_status': 'the PSP is asked for the outcome',
}

/**
 * Why a payment waits. Of a payment that has ended only what is parked: its money or its
 * notification may still wait.
 */
export function waitsOf({ payment, answers, missing, now }: Asked): Wait[] {
  const named = Object.entries(answers)
  const parked = named.flatMap(([service, { parked: records }]) =>
    records.map((record) => ofRecord(service, record)),
  )
  if (paymentHasEnded(payment.status)) return parked
  const steps = named.flatMap(([service, { next }]) => (next ? [ofStep(service, next)] : []))
  const silent = Object.entries(missing).map(([service, why]) => ofSilence(service, why))
  const waits = [...parked, ...steps, ...silent]
  const ageMs = now - Date.parse(payment.created_at)
  return waits.length > 0 || ageMs < MOVES_WITHIN_MS ? waits : [unknownWait(payment)]
}

function ofRecord(service: string, record: Parked & { behind: Parked | null }): Wait {
  const { behind } = record
  const wait = { service, record_id: record.record_id, since: record.parked_at }
  if (behind === null) {
    return { ...wait, reason: 'parked', cause: record.cause, next: doWith(record) }
  }
  const cause = `${behind.record_id}, the first record of its order key, is parked: ${behind.cause}`
  return { ...wait, reason: 'behind', cause, next: doWith(behind) }
}

function doWith({ record_id: id, kind, next_attempt_at: at }: Parked): string {
  if (kind === 'newer') return `deploy the release that wrote ${id}; it is tried again at ${at}`
  if (kind === 'waiting') return `${id} is tried again at ${at}, until what it waits for has come`
  return (
    `read it with "caudal dlq show ${id}", mend the cause, then retry it with ` +
    `"caudal dlq redrive ${id} --reason …" (or give it up with "discard")`
  )
}

function ofStep(service: string, { step, at }: { step: string; at: string }): Wait {
  return {
    service,
    reason: 'next_step',
    record_id: null,
    cause: step,
    since: null,
    next: `${STEPS[step] ?? step} at ${at}`,
  }
}

function ofSilence(service: string, why: string): Wait {
  return {
    service,
    reason: 'no_answer',
    record_id: null,
    cause: why,
    since: null,
    next: `start ${service}, or read its log and the /readyz of its operations port`,
  }
}

function unknownWait({ status, created_at: since }: Asked['payment']): Wait {
  return {
    service: null,
    reason: 'unknown',
    record_id: null,
    cause: `it is ${status}, and no service has a parked record or a due step of it`,
    since,
    next: 'run "caudal verify", and compare the lag and the outbox in the /metrics of each service',
  }
}

/** The lines of the text output. */
export function waitLines(waits: readonly Wait[]): string[] {
  return waits.flatMap(({ service, reason, record_id: id, cause, next }) => {
    const what = id === null ? cause : `${id}: ${cause}`
    return [`  waits at ${service ?? 'an unknown place'} (${reason}): ${what}`, `    next: ${next}`]
  })
}
