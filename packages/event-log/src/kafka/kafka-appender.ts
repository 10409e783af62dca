import { setTimeout as delay } from 'node:timers/promises'
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { EventLogError } from '../event-log-error.ts'
import type { NewRecord } from '../event-log.ts'
import { appendRounds, type Chunk } from './append-rounds.ts'
import { clientOptions, heedErrors } from './client-options.ts'
import { asEventLogError, isLasting } from './kafka-errors.ts'
import type { KafkaIncidents } from './kafka-incidents.ts'
import type { KafkaSettings } from './kafka-settings.ts'

type StringProducer = Producer<string, string, string, string>

// An idempotent producer repeats for ever unless it gets a number larger than 1.
const RETRIES = { retries: 60, retryDelay: 250 }
const DEADLINE_MS = 30_000
// An idempotent producer has one request under way at a broker; with several, a batch over twelve
// partitions does not wait four times for three brokers to copy it.
const PRODUCERS = 4
/** How old what the client knows of the leaders may be before a batch; it keeps it for 5 s. */
const FRESH = { metadataMaxAge: 2_500, retries: 3 }

/**
 * Appends batches, one after the other. Three rules keep a record from being lost or overtaken. One
 * partition a send: a client that repeats a send of several partitions sends it to one leader. One
 * send of a partition at a time. And after a send that failed, a producer that is new: the old one
 * gives its numbers out again, and a broker drops a record whose number it has seen.
 */
export class KafkaAppender {
  readonly #settings: KafkaSettings
  readonly #clientId: string
  readonly #incidents: KafkaIncidents
  /** A partition always has the same one of them. */
  #producers: readonly StringProducer[] = []
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(settings: KafkaSettings, clientId: string, incidents: KafkaIncidents) {
    this.#settings = settings
    this.#clientId = clientId
    this.#incidents = incidents
  }

  /** @throws {EventLogError} when a record is refused, or not all are durable by the deadline */
  append(records: readonly NewRecord[]): Promise<void> {
    const appended = this.#last.then(() => this.#appendByDeadline(records))
    this.#last = appended.catch(() => {})
    return appended
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#last
    await this.#dropProducers()
  }

  async #appendByDeadline(records: readonly NewRecord[]): Promise<void> {
    if (records.length === 0) return
    const timeoutMs = this.#settings.appendTimeoutMs ?? DEADLINE_MS
    let late = false
    const timer = setTimeout(() => {
      late = true
      // Ends the waits for the next try, all of them, at once.
      void this.#dropProducers()
    }, timeoutMs)
    try {
      for (const round of appendRounds(records)) await this.#sendRound(round, () => late)
    } catch (error) {
      if (!late) throw asEventLogError(error, 'could not append the records')
      this.#incidents.appendLate()
      const message = `Kafka did not acknowledge the records within ${timeoutMs} ms`
      throw new EventLogError('EVENT_LOG_UNAVAILABLE', message, error)
    } finally {
      clearTimeout(timer)
    }
  }

  async #sendRound(round: readonly Chunk[], isLate: () => boolean): Promise<void> {
    const topics = [...new Set(round.map(({ topic }) => topic))]
    for (let pending = round; pending.length > 0;) {
      if (isLate()) throw new Error('there was no time for another attempt')
      const producers = this.#currentProducers()
      try {
        // With the leaders known, all sends below take their numbers in the same turn.
        await Promise.all(producers.map((it) => it.metadata({ topics: [...topics], ...FRESH })))
      } catch (error) {
        if (isLate() || isLasting(error)) throw error
        await this.#pauseBeforeRepeat()
        continue
      }
      const results = await Promise.allSettled(
        pending.map((chunk) => send(producers[chunk.partition % PRODUCERS]!, chunk)),
      )
      const failed = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      )
      if (failed.length === 0) return
      await this.#dropProducers()
      const fatal = failed.find(isLasting)
      if (isLate() || fatal !== undefined) throw fatal ?? failed[0]
      await this.#pauseBeforeRepeat()
      pending = pending.filter((_, index) => results[index]!.status === 'rejected')
    }
  }

  /** Most failures come after a long row of tries; this is for those that come at once. */
  async #pauseBeforeRepeat(): Promise<void> {
    this.#incidents.appendRepeated()
    await delay(RETRIES.retryDelay)
  }

  #currentProducers(): readonly StringProducer[] {
    if (this.#closed) throw new EventLogError('EVENT_LOG_UNAVAILABLE', 'the log is closed')
    if (this.#producers.length === 0) {
      this.#producers = Array.from({ length: PRODUCERS }, () => this.#createProducer())
    }
    return this.#producers
  }

  #createProducer(): StringProducer {
    return heedErrors(
      new Producer({
        ...clientOptions(this.#settings, `${this.#clientId}-append`),
        ...RETRIES,
        idempotent: true,
        acks: ProduceAcks.ALL,
        compression: this.#settings.compression ?? 'lz4',
        serializers: stringSerializers,
      }),
    )
  }

  async #dropProducers(): Promise<void> {
    const producers = this.#producers
    this.#producers = []
    await Promise.all(producers.map((producer) => producer.close(true).catch(() => {})))
  }
}

function send(producer: StringProducer, { topic, partition, records }: Chunk): Promise<unknown> {
  return producer.send({
    messages: records.map(({ key, value, headers }) => ({ topic, partition, key, value, headers })),
  })
}
