import { type Batcher, createBatcher } from '@caudal/batching/create-batcher.ts'
import { type Claimed, createOutbound, type Outbound } from '@caudal/outbound/create-outbound.ts'
import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import { createPauseGate, type PauseGate } from '@caudal/outbound/pause-gate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import {
  decideDelivery,
  type DeviceOutcome,
  endExpired,
  postpone,
} from '../domain/decide-delivery.ts'
import { isWorthSending } from '../domain/is-worth-sending.ts'
import { type Channel, channelOf, type Notification } from '../domain/notification.ts'
import { writeContent } from '../domain/write-content.ts'
import {
  type LookupAnswer,
  lookUpRecipients,
  type RecipientLookup,
} from '../identity/look-up-recipients.ts'
import { notificationIdOf } from '../push/notification-id.ts'
import type { PushChannel } from '../push/push-channel.ts'
import { claimDue } from '../store/claim-due.ts'
import { saveOutcomes, type TriedNotification } from '../store/save-outcomes.ts'
import type { Observer } from './observe.ts'
import { createDeviceRemover } from './remove-dead-devices.ts'

/** Dependencies of the sender. */
export type SenderOptions = {
  db: Db
  lookup: RecipientLookup
  channels: Record<Channel, PushChannel>
  /** Most notifications in flight; a consumed batch that meets a claim may double it. */
  concurrency: number
  leaseMs: number
  /** For one notification to one device. */
  pushTimeoutMs: number
  observer: Observer
  logger: Logger
}

/** The running sending of notifications. */
export type Sender = {
  /** How many new notifications can be sent now, without waiting in their table. */
  room(): number
  /** Sends notifications that this instance has leased; their rows are committed. */
  send(notifications: readonly Notification[], othersWait?: boolean): void
  /** Whether identity answered the last lookup. */
  identityAnswers(): boolean
  /** Stops claiming and waits for notifications in flight. */
  stop(): Promise<void>
}

type NotificationCall = { peer: 'devices'; notification: Notification; deadline: Deadline }

const LOOKUP_BATCH = 500
/** A notification may be some milliseconds late, so lookups are collected first (ADR 0010). */
const REST_MOST_MS = 50
const SAVE_BATCH = 1_000
/** Tries end one by one; recording them in intervals takes a tenth of the statements. */
const GATHER_MS = 25
/** Due notifications are claimed when there is room for this share of all. */
const WORTHWHILE_SHARE = 1 / 8
const POLL_MS = 500
/** How much longer than a call a stop waits, so that the last results are recorded. */
const DRAIN_GRACE_MS = 5_000

/**
 * Sends notifications and records each try. Each has an id that makes a repeat harmless. If the
 * process dies, its notifications are claimed again when their lease ends.
 */
export function startSender(options: SenderOptions): Sender {
  const { db, concurrency, leaseMs, pushTimeoutMs, lookup, observer, logger } = options
  // After its lease a try counts only if it was delivered, so it is aborted there.
  const callMostMs = Math.max(leaseMs, lookup.timeoutMs + pushTimeoutMs)
  const identity = createPauseGate()
  const remover = createDeviceRemover(options)
  const recipients = createBatcher<Notification, LookupAnswer>({
    maxBatch: LOOKUP_BATCH,
    restMostMs: REST_MOST_MS,
    maxQueue: 4 * concurrency + LOOKUP_BATCH,
    turnOf: ({ tenantId }) => tenantId,
    process: (notifications) => lookUp(options, identity, notifications),
  })
  const callOf = (notification: Notification): NotificationCall => ({
    peer: 'devices',
    notification,
    deadline: deadlineIn(callMostMs),
  })

  async function claim(): Promise<Claimed<NotificationCall>> {
    const limit = outbound.room('devices')
    const isWorthwhile = limit >= concurrency * WORTHWHILE_SHARE
    if (!isWorthwhile || identity.shutForMs() > 0) {
      return { calls: [], count: 0, more: outbound.backlog }
    }
    const due = await claimDue(db, { limit, leaseMs })
    return { calls: due.map(callOf), count: due.length, more: due.length === limit }
  }

  const outbound: Outbound<'devices', NotificationCall> = createOutbound({
    peers: { devices: { most: concurrency, worthwhileShare: WORTHWHILE_SHARE } },
    claim,
    call: ({ notification }) => tryOnce(options, { identity, recipients }, notification),
    resultOfFault: ({ notification }) => cutShort(notification),
    record: (tried: readonly TriedNotification[]) => saveOutcomes(db, tried),
    recordBatch: SAVE_BATCH,
    gatherMs: GATHER_MS,
    async afterRecord({ notification }, { decision, devices }) {
      observer.tried(notification, decision, devices)
      await remover.removeDead(notification.tenantId, devices)
    },
    onCallFault: ({ notification }, fault) => observer.callFailed(notification, fault),
    onRecordFault: (tried, fault) => observer.saveFailed(fault, tried.length),
    pollMs: POLL_MS,
    logger,
  })
  return {
    room: () => (outbound.backlog || identity.shutForMs() > 0 ? 0 : outbound.room('devices')),
    send(notifications, othersWait = false) {
      outbound.begin(notifications.map(callOf))
      if (othersWait) outbound.addBacklog()
    },
    identityAnswers: () => identity.shutForMs() === 0,
    stop: () => outbound.stop(callMostMs + DRAIN_GRACE_MS),
  }
}

type Recipients = { identity: PauseGate; recipients: Batcher<Notification, LookupAnswer> }

/** One try: finds the recipient, sends to all open devices and decides what follows. */
async function tryOnce(
  { channels, observer }: SenderOptions,
  { identity, recipients }: Recipients,
  notification: Notification,
): Promise<TriedNotification> {
  const { paymentId, attempt, finalizedAtMs, takenAtMs } = notification
  const tried = { paymentId, attempt, devices: [] }
  if (!isWorthSending(finalizedAtMs, takenAtMs)) {
    return { ...tried, decision: endExpired(notification) }
  }
  const answer = await recipients.submit(notification)
  if ('fault' in answer) {
    const why = {
      shutForMs: identity.shutForMs(),
      detail: 'identity did not answer the lookup of devices',
    }
    return { ...tried, decision: postpone(notification, why, Math.random()) }
  }
  const { locale, devices } = answer.recipient
  const content = writeContent(notification, { id: notificationIdOf(paymentId), locale })
  const open = devices.filter(({ deviceId }) => !notification.settled.has(deviceId))
  const outcomes = await Promise.all(
    open.map(async (device): Promise<DeviceOutcome> => {
      const startedAt = performance.now()
      const channel = channelOf(device)
      const outcome = await channels[channel].send(device.token, content)
      observer.answered(channel, outcome, performance.now() - startedAt)
      return { device, outcome }
    }),
  )
  const decision = decideDelivery(notification, outcomes, Math.random())
  return { ...tried, devices: outcomes, decision }
}

/** A try that took longer than its lease may have reached a device, and is repeated. */
function cutShort(notification: Notification): TriedNotification {
  const { paymentId, attempt } = notification
  const why = { shutForMs: 0, detail: 'the try took longer than its lease' }
  return { paymentId, attempt, devices: [], decision: postpone(notification, why, Math.random()) }
}

async function lookUp(
  { lookup, observer }: SenderOptions,
  identity: PauseGate,
  notifications: readonly Notification[],
): Promise<LookupAnswer[]> {
  if (identity.shutForMs() > 0) {
    const fault = new Error('identity did not answer the last lookup')
    return notifications.map(() => ({ fault }))
  }
  const answers = await lookUpRecipients(lookup, notifications)
  const faults = answers.flatMap((answer) => ('fault' in answer ? [answer.fault] : []))
  if (faults.length > 0) observer.lookupFailed(faults[0]!, faults.length)
  if (faults.length < answers.length) identity.passed()
  // A refusal concerns one tenant. Calls to identity pause only if no tenant gets an answer.
  else if (faults.every((fault) => isRetryable(fault))) identity.failed()
  return answers
}
