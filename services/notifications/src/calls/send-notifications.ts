import {
  type Claimed,
  createOutbound,
  guardedBy,
  type Outbound,
} from '@caudal/outbound/create-outbound.ts'
import { deadlineIn } from '@caudal/outbound/deadline.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Channel, Notification } from '../domain/notification.ts'
import type { RecipientLookup } from '../identity/look-up-recipients.ts'
import type { PushChannel } from '../push/push-channel.ts'
import { createPushCircuit } from '../push/push-circuit.ts'
import { claimDueNotifications } from '../store/claim-due-notifications.ts'
import { saveOutcomes, type TriedNotification } from '../store/save-outcomes.ts'
import { createRecipients } from './create-recipients.ts'
import { lookupRoom, WORTHWHILE_SHARE } from './lookup-room.ts'
import {
  type DeliveryCall,
  type DeliveryCallResult,
  cutShort,
  makeCall,
  refuse,
} from './make-call.ts'
import type { Observer } from './observe.ts'
import { createDeviceRemover } from './remove-dead-devices.ts'

/** Dependencies of the sender. */
export type SenderOptions = {
  db: Db
  lookup: RecipientLookup
  channels: Record<Channel, PushChannel>
  /** Most notifications in flight to each push service. */
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
  /** Whether the circuit of the push service is closed. */
  pushAnswers(channel: Channel): boolean
  /** Stops claiming and waits for notifications in flight. */
  stop(): Promise<void>
}

const SAVE_BATCH = 1_000
/** Tries end one by one; recording them in intervals takes a tenth of the statements. */
const GATHER_MS = 25
const POLL_MS = 500
/** How much longer than a call a stop waits, so that the last results are recorded. */
const DRAIN_GRACE_MS = 5_000

/**
 * Sends notifications and records each try. Each has an id that makes a repeat harmless. If the
 * process dies, its notifications are claimed again when their lease ends.
 */
export function startSender(options: SenderOptions): Sender {
  const { db, concurrency, leaseMs, pushTimeoutMs, lookup, channels, observer, logger } = options
  // After its lease a try counts only if it was delivered, so it is aborted there.
  const callMostMs = Math.max(leaseMs, lookup.timeoutMs + pushTimeoutMs)
  const recipients = createRecipients(options)
  const remover = createDeviceRemover(options)
  const callOf = (notification: Notification): DeliveryCall => ({
    peer: 'lookup',
    notification,
    deadline: deadlineIn(callMostMs),
  })
  const room = (): number => {
    if (recipients.shutForMs() > 0) return 0
    const { free } = outbound
    const places = { lookup: free('lookup'), fcm: free('fcm'), apns: free('apns') }
    return lookupRoom(places, concurrency)
  }

  async function claim(): Promise<Claimed<DeliveryCall>> {
    const limit = room()
    if (limit === 0) return { calls: [], count: 0, more: outbound.backlog }
    const due = await claimDueNotifications(db, { limit, leaseMs })
    return { calls: due.map(callOf), count: due.length, more: due.length === limit }
  }

  const places = { most: concurrency, worthwhileShare: WORTHWHILE_SHARE }
  const guarded = () => ({
    ...places,
    guard: guardedBy<DeliveryCall, DeliveryCallResult>(createPushCircuit(), (call) =>
      refuse(observer, call),
    ),
  })
  const outbound: Outbound<DeliveryCall['peer'], DeliveryCall> = createOutbound<
    DeliveryCall['peer'],
    DeliveryCall,
    DeliveryCallResult
  >({
    peers: { lookup: places, fcm: guarded(), apns: guarded() },
    claim,
    call: (call, signal) => makeCall({ recipients, channels, outbound, observer }, call, signal),
    resultOfFault: cutShort,
    record: (results) => saveOutcomes(db, triesOf(results)),
    recordBatch: SAVE_BATCH,
    gatherMs: GATHER_MS,
    async afterRecord({ notification }, { tried }) {
      if (tried === null) return
      observer.tried(notification, tried.decision, tried.devices)
      await remover.removeDead(notification.tenantId, tried.devices)
    },
    onCallFault: ({ notification }, fault) => observer.callFailed(notification, fault),
    onRecordFault: (results, fault) => observer.saveFailed(fault, triesOf(results).length),
    pollMs: POLL_MS,
    logger,
  })
  return {
    room: () => (outbound.backlog ? 0 : room()),
    send(notifications, othersWait = false) {
      outbound.begin(notifications.map(callOf))
      if (othersWait) outbound.addBacklog()
    },
    identityAnswers: () => recipients.shutForMs() === 0,
    pushAnswers: (channel) => outbound.circuitMode(channel) === 'closed',
    stop: () => outbound.stop(callMostMs + DRAIN_GRACE_MS),
  }
}

function triesOf(results: readonly DeliveryCallResult[]): TriedNotification[] {
  return results.flatMap(({ tried }) => tried ?? [])
}
