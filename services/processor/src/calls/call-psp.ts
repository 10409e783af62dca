import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Deadline } from '@caudal/outbound/deadline.ts'
import { childTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import type { PspOperation } from '../domain/psp-operation.ts'
import { CIRCUIT_OPEN } from '../psp/circuit.ts'
import type { Found, PspClient, Sent } from '../psp/psp-client.ts'
import type { Observer } from './observe.ts'

/** The operation as the commit of SENDING left it, with the database's time and our clock. */
export type BegunOperation = { state: PspOperation; at: number; clock: number }

/** A request whose SENDING state is committed. */
export type SendCall = {
  peer: 'execute'
  key: CallKey
  facts: OperationFacts
  body: Buffer
  attempt: number
  begun: BegunOperation
  deadline: Deadline
}
/** A status query whose lease is committed. */
export type QueryCall = {
  peer: 'query'
  key: CallKey
  facts: OperationFacts
  query: number
  /** The PSP's own id of the operation, if one is known. */
  itsId: string | null
  deadline: Deadline
}

/** The PSP counts as two peers, so that requests and status queries have separate limits. */
export type PspPeer = 'execute' | 'query'
export type PspCall = SendCall | QueryCall

export type SentResult = {
  kind: 'sent'
  facts: OperationFacts
  attempt: number
  begun: BegunOperation
  sent: Sent
}

/** The result of a call, to be recorded. */
export type PspCallResult =
  | SentResult
  | { kind: 'found'; facts: OperationFacts; query: number; found: Found }

export type CallPspDeps = { client: PspClient; observer: Observer }

/** Makes one call to the PSP, never inside a transaction. The client enforces the deadline. */
export async function callPsp(deps: CallPspDeps, call: PspCall): Promise<PspCallResult> {
  switch (call.peer) {
    case 'execute':
      return sendOne(deps, call)
    case 'query':
      return queryOne(deps, call)
    default:
      return call satisfies never
  }
}

/** The result of a call that the circuit refused. Status queries have no circuit. */
export function refusedCall({ observer }: CallPspDeps, call: PspCall): PspCallResult {
  if (call.peer === 'query') throw new Error('a status query has no circuit')
  const { facts, attempt, begun } = call
  observer.sent(facts, attempt, CIRCUIT_OPEN)
  return { kind: 'sent', facts, attempt, begun, sent: CIRCUIT_OPEN }
}

async function sendOne({ client, observer }: CallPspDeps, call: SendCall): Promise<PspCallResult> {
  const { facts, body, attempt, begun, deadline } = call
  const request = { expected: facts, body, traceparent: childOf(facts) }
  crashPoint('before', facts.kind)
  const sent = await client.send(request, deadline)
  crashPoint('after', facts.kind)
  observer.sent(facts, attempt, sent)
  return { kind: 'sent', facts, attempt, begun, sent }
}

async function queryOne(
  { client, observer }: CallPspDeps,
  call: QueryCall,
): Promise<PspCallResult> {
  const { facts, query, itsId, deadline } = call
  const asked = { expected: facts, itsId, traceparent: childOf(facts) }
  crashPoint('before', 'query')
  const found = await client.find(asked, deadline)
  crashPoint('after', 'query')
  observer.found(facts, query, found)
  return { kind: 'found', facts, query, found }
}

function childOf({ traceparent }: OperationFacts): string | null {
  return traceparent === null ? null : childTraceparent(traceparent)
}
