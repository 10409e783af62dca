import { setTimeout as delay } from 'node:timers/promises'
import { type Batcher, createBatcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import {
  backoffMs,
  decideDelivery,
  type DeviceOutcome,
  giveUp,
  postpone,
} from './domain/decide-delivery.ts'
import { isWorthTelling } from './domain/is-worth-telling.ts'
import { type Channel, channelOf, type Notification } from './domain/notification.ts'
import { writeMessage } from './domain/write-message.ts'
import { type LookupAnswer, lookUpRecipients, type RecipientLookup } from './look-up-recipients.ts'
import { messageIdOf } from './message-id.ts'
import type { Observer } from './observe.ts'
import { createPauseGate, type PauseGate } from './pause-gate.ts'
import type { PushChannel } from './push/push-channel.ts'
import { createDeviceRemover, type DeviceRemover } from './remove-dead-devices.ts'
import { claimDue } from './store/claim-due.ts'
import { saveOutcomes, type TriedNotification } from './store/save-outcomes.ts'
import { startSweep, type Sweep } from './sweep.ts'

export type SenderOptions = {
  db: Db
  lookup: RecipientLookup
  channels: Record<Channel, PushChannel>
  /** Notifications under way at most; a batch that comes while others are taken may double it. */
  concurrency: number
  leaseMs: number
  observer: Observer
  logger: Logger
}

const LOOKUP_BATCH = 500
/** Nobody waits for a notice to the millisecond, so they gather (ADR 0010). */
const REST_MOST_MS = 50
const SAVE_BATCH = 1_000
/** Tries end one by one; recording those of so much time together is a tenth of the statements. */
const SAVE_PACE_MS = 25
const SAVES_AT_MOST = 3
/** Due notifications are taken when there is room for this share of all, so that it is worth it. */
const WORTHWHILE = 8

/**
 * Sends notices, each under an id that makes a repeat harmless, and records what became of them.
 * What is under way when the process dies is taken up again when its lease is over.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #recipients: Batcher<Notification, LookupAnswer>
  readonly #outcomes: Batcher<TriedNotification, boolean>
  readonly #remover: DeviceRemover
  readonly #identity: PauseGate = createPauseGate()
  readonly #underWay = new Set<Promise<void>>()
  /** More is due than there was room for: whatever comes must queue behind it. */
  #backlog = true
  #sweep: Sweep | undefined
  #stopping = false

  constructor(options: SenderOptions) {
    this.#options = options
    const maxQueue = 4 * options.concurrency + LOOKUP_BATCH
    this.#remover = createDeviceRemover(options)
    this.#recipients = createBatcher({
      maxBatch: LOOKUP_BATCH,
      restMostMs: REST_MOST_MS,
      maxQueue,
      process: (notifications) => this.#lookUp(notifications),
    })
    this.#outcomes = createBatcher({
      maxBatch: SAVE_BATCH,
      restMostMs: REST_MOST_MS,
      maxQueue,
      process: (tried) => this.#save(tried),
    })
  }

  start(): void {
    this.#sweep = startSweep(() => this.#takeDue(), this.#options.logger)
    this.#sweep.wake()
  }

  /** How many new notifications may go out at once, without waiting in their table. */
  room(): number {
    return this.#backlog || this.#identity.shutForMs() > 0 ? 0 : this.#freePlaces()
  }

  /** Sends what this instance holds; the rows are committed already. */
  send(notifications: readonly Notification[], othersWait = false): void {
    for (const notification of notifications) {
      const done = this.#deliver(notification).finally(() => {
        this.#underWay.delete(done)
        if (this.#backlog && this.#isRoomWorthwhile()) this.#sweep?.wake()
      })
      this.#underWay.add(done)
    }
    if (!othersWait) return
    this.#backlog = true
    if (this.#isRoomWorthwhile()) this.#sweep?.wake()
  }

  /** Whether identity answered when it was asked last. */
  identityAnswers(): boolean {
    return this.#identity.shutForMs() === 0
  }

  /** Takes nothing new and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#sweep?.stop()
    await Promise.all(this.#underWay)
  }

  #freePlaces(): number {
    return Math.max(0, this.#options.concurrency - this.#underWay.size)
  }

  #isRoomWorthwhile(): boolean {
    return this.#freePlaces() >= this.#options.concurrency / WORTHWHILE
  }

  async #takeDue(): Promise<void> {
    if (!this.#isRoomWorthwhile() || this.#identity.shutForMs() > 0) return
    const { db, leaseMs } = this.#options
    const limit = this.#freePlaces()
    const due = await claimDue(db, { limit, leaseMs })
    this.#backlog = due.length === limit
    this.send(due)
  }

  async #deliver(notification: Notification): Promise<void> {
    const { observer } = this.#options
    try {
      const tried = await this.#try(notification)
      const saved = await this.#outcomes.submit(tried)
      if (saved) observer.tried(notification, tried.decision, tried.devices)
      await this.#remover.removeDead(notification.tenantId, tried.devices)
    } catch (error) {
      // Its row is PENDING with a lease: the sweep takes it up again.
      observer.saveFailed(error, 1)
    }
  }

  async #try(notification: Notification): Promise<TriedNotification> {
    const { paymentId, attempt, finalizedAtMs, takenAtMs } = notification
    const tried = { paymentId, attempt, devices: [] }
    if (!isWorthTelling(finalizedAtMs, takenAtMs)) {
      return { ...tried, decision: giveUp(notification) }
    }
    const answer = await this.#recipients.submit(notification)
    if ('fault' in answer) {
      const why = {
        shutForMs: this.#identity.shutForMs(),
        detail: 'identity does not tell the devices',
      }
      return { ...tried, decision: postpone(notification, why, Math.random()) }
    }
    const { locale, devices } = answer.recipient
    const message = writeMessage(notification, { id: messageIdOf(paymentId), locale })
    const open = devices.filter(({ deviceId }) => !notification.settled.has(deviceId))
    const outcomes = await Promise.all(
      open.map(async (device): Promise<DeviceOutcome> => {
        const startedAt = performance.now()
        const channel = channelOf(device)
        const outcome = await this.#options.channels[channel].send(device.token, message)
        this.#options.observer.answered(channel, outcome, performance.now() - startedAt)
        return { device, outcome }
      }),
    )
    const decision = decideDelivery(notification, outcomes, Math.random())
    return { ...tried, devices: outcomes, decision }
  }

  async #lookUp(notifications: readonly Notification[]): Promise<LookupAnswer[]> {
    if (this.#identity.shutForMs() > 0) {
      const fault = new Error('identity did not answer just now')
      return notifications.map(() => ({ fault }))
    }
    const answers = await lookUpRecipients(this.#options.lookup, notifications)
    const faults = answers.flatMap((answer) => ('fault' in answer ? [answer.fault] : []))
    if (faults.length > 0) this.#options.observer.lookupFailed(faults[0]!, faults.length)
    if (faults.length < answers.length) this.#identity.passed()
    // A refusal concerns its tenant; only where nobody gets an answer is identity left in peace.
    else if (faults.every((fault) => isRetryable(fault))) this.#identity.failed()
    return answers
  }

  /** Answers whether the tries are on record; if not, they are made again after their lease. */
  async #save(tried: readonly TriedNotification[]): Promise<boolean[]> {
    const saved = await this.#saveSoon(tried)
    if (!this.#stopping) await delay(SAVE_PACE_MS)
    return tried.map(() => saved)
  }

  async #saveSoon(tried: readonly TriedNotification[]): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await saveOutcomes(this.#options.db, tried)
        return true
      } catch (error) {
        if (attempt === SAVES_AT_MOST) {
          this.#options.observer.saveFailed(error, tried.length)
          return false
        }
        await delay(backoffMs(attempt, Math.random()))
      }
    }
  }
}
