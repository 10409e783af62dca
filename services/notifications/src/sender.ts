import { setTimeout as delay } from 'node:timers/promises'
import { type Batcher, createBatcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { decideDelivery, type DeviceOutcome } from './domain/decide-delivery.ts'
import {
  type Channel,
  channelOf,
  type Notification,
  type Recipient,
} from './domain/notification.ts'
import { writeMessage } from './domain/write-message.ts'
import { lookUpRecipients, type RecipientLookup, removeDevices } from './look-up-recipients.ts'
import type { Observer } from './observe.ts'
import type { PushChannel } from './push/push-channel.ts'
import { claimDue } from './store/claim-due.ts'
import { finishedDevices } from './store/finished-devices.ts'
import { saveOutcomes, type TriedNotification } from './store/save-outcomes.ts'

export type SenderOptions = {
  db: Db
  lookup: RecipientLookup
  channels: Record<Channel, PushChannel>
  /** Notifications under way at most. */
  concurrency: number
  leaseMs: number
  observer: Observer
  logger: Logger
  /** Called when there is room again. */
  onRoom: () => void
}

const SWEEP_MS = 500
const LOOKUP_BATCH = 500

/**
 * Sends notices, each under an id that makes a repeat harmless, and records what became of them.
 * What is under way when the process dies is taken up again when its lease is over.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #recipients: Batcher<Notification, Recipient>
  readonly #outcomes: Batcher<TriedNotification, void>
  readonly #stopping = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #sweeping: Promise<void> = Promise.resolve()

  constructor(options: SenderOptions) {
    this.#options = options
    this.#recipients = createBatcher({
      maxBatch: LOOKUP_BATCH,
      process: (notifications) => lookUpRecipients(options.lookup, notifications),
    })
    this.#outcomes = createBatcher({
      process: async (tried) => {
        await saveOutcomes(options.db, tried)
        return tried.map(() => undefined)
      },
    })
  }

  start(): void {
    this.#sweeping = this.#sweepUntilStopped()
  }

  /** How many more notifications may be taken now. */
  room(): number {
    return Math.max(0, this.#options.concurrency - this.#underWay.size)
  }

  /** Sends what this instance holds; the rows are committed already. */
  send(notifications: readonly Notification[]): void {
    for (const notification of notifications) {
      const done = this.#deliver(notification).finally(() => {
        const wasFull = this.room() === 0
        this.#underWay.delete(done)
        if (wasFull) this.#options.onRoom()
      })
      this.#underWay.add(done)
    }
  }

  /** Takes nothing new and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#sweeping
    await Promise.all(this.#underWay)
  }

  async #deliver(notification: Notification): Promise<void> {
    const { logger, observer } = this.#options
    try {
      const devices = await this.#tell(notification)
      const decision = decideDelivery(notification, devices, Math.random())
      await this.#outcomes.submit({ paymentId: notification.paymentId, decision, devices })
      observer.tried(notification, decision, devices)
      await this.#forgetDead(notification, devices)
    } catch (error) {
      // Its row is PENDING with a lease: the sweep takes it up again.
      logger.warn(
        { err: error, payment_id: notification.paymentId },
        'a notification could not be handled; it is tried again',
      )
    }
  }

  async #tell(notification: Notification): Promise<DeviceOutcome[]> {
    const { db, channels, observer } = this.#options
    const { locale, devices } = await this.#recipients.submit(notification)
    const { paymentId, attempts } = notification
    const finished = attempts > 1 ? await finishedDevices(db, [paymentId]) : undefined
    const open = devices.filter(({ deviceId }) => !finished?.get(paymentId)?.has(deviceId))
    // All devices had their answer in an earlier try whose record of the end was lost.
    if (open.length === 0 && devices.length > 0) {
      return [{ device: devices[0]!, outcome: { kind: 'delivered' } }]
    }
    const message = writeMessage(notification, locale)
    return Promise.all(
      open.map(async (device) => {
        const startedAt = performance.now()
        const channel = channelOf(device)
        const outcome = await channels[channel].send(device.token, message)
        observer.answered(channel, outcome, performance.now() - startedAt)
        return { device, outcome }
      }),
    )
  }

  async #forgetDead({ tenantId }: Notification, devices: readonly DeviceOutcome[]): Promise<void> {
    const dead = devices.flatMap(({ device, outcome }) =>
      outcome.kind === 'dead_device' ? [device.token] : [],
    )
    if (dead.length > 0) await removeDevices(this.#options.lookup, tenantId, dead)
  }

  async #sweepUntilStopped(): Promise<void> {
    const { signal } = this.#stopping
    const { db, leaseMs, logger } = this.#options
    while (!signal.aborted) {
      await delay(SWEEP_MS, undefined, { signal }).catch(() => {})
      const room = this.room()
      if (room === 0 || signal.aborted) continue
      try {
        this.send(await claimDue(db, room, leaseMs))
      } catch (error) {
        logger.warn({ err: error }, 'due notifications could not be taken')
      }
    }
  }
}
