import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import {
  type ClusterMetadata,
  Consumer,
  FetchIsolationLevels,
  type fetchV17,
} from '@platformatic/kafka'
import { EventLogError } from '../event-log-error.ts'
import type { LogRecord, Position, ReadOptions } from '../event-log.ts'
import { clientOptions, heedErrors } from './client-options.ts'
import { asEventLogError, isAnswer, isUnreachable, outOfRange } from './kafka-errors.ts'
import type { FetchFailure, KafkaIncidents } from './kafka-incidents.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { PartitionFeed, takeEvenly } from './partition-feed.ts'

const LONG_POLL_MS = 500
const FETCH_BYTES = { ofBroker: 1_048_576, ofPartition: 262_144 }
/** A partition that has so much waiting is not fetched until it is read. */
const ENOUGH_RECORDS = 2_000
const RETRIES = { retries: 1, retryDelay: 100 }
const BACKOFF = { baseMs: 200, mostMs: 2_000 }
/** Reads fail, and readiness degrades, once a broker has not answered for so long. */
const PATIENCE_MS = 10_000

/** A position that the log does not have; reading stops until a person has decided. */
type LostPosition = { key: string; offset: bigint; leader: number; error: EventLogError }
type BrokerFailure = { error: unknown; sinceMs: number; failures: number; retryAtMs: number }

/**
 * Reads positions of one reader at a time by plain fetches, without a group: long polls can then
 * delay no heartbeat. One fetch a broker is under way; what comes is kept until it is read, so the
 * brokers work while the service does.
 */
export class KafkaReader {
  readonly #client: Consumer
  readonly #incidents: KafkaIncidents
  #feeds = new Map<string, PartitionFeed>()
  readonly #fetching = new Set<number>()
  readonly #failing = new Map<number, BrokerFailure>()
  #lost: LostPosition | undefined
  /** Who led each partition when that was last asked. */
  readonly #leaders = new Map<string, number>()
  #leadersAsOf = 0
  #news = Promise.withResolvers<void>()

  constructor(settings: KafkaSettings, clientId: string, incidents: KafkaIncidents) {
    this.#incidents = incidents
    this.#client = heedErrors(
      new Consumer({
        ...clientOptions(settings, `${clientId}-read`),
        ...RETRIES,
        groupId: `${clientId}-read`, // never joined
        autocommit: false,
        // What is in the log was committed in a database before: no open transaction holds it up.
        isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
      }),
    )
  }

  /** @throws {EventLogError} when no broker can be reached, or a position is not in the log */
  async read(positions: readonly Position[], options: ReadOptions): Promise<LogRecord[]> {
    const { maxRecords, waitMs, signal } = options
    const deadlineMs = performance.now() + waitMs
    this.#aim(positions)
    for (;;) {
      if (signal.aborted) return []
      const news = this.#news.promise
      const records = this.#lost ? [] : takeEvenly([...this.#feeds.values()], maxRecords)
      try {
        await this.#fetchAhead()
      } catch (error) {
        if (records.length === 0) throw asEventLogError(error, 'could not read')
      }
      if (records.length > 0) return records
      this.#raise()
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0 || signal.aborted) return []
      await firstOf(news, leftMs, signal)
    }
  }

  async close(): Promise<void> {
    this.#feeds.clear()
    await this.#client.close(true).catch(() => {})
  }

  /** Keeps what was fetched ahead of exactly these positions, and forgets everything else. */
  #aim(positions: readonly Position[]): void {
    const feeds = new Map<string, PartitionFeed>()
    for (const position of positions) {
      const key = `${position.topic} ${position.partition}`
      const known = this.#feeds.get(key)
      const usable = known !== undefined && known.position === position.offset
      feeds.set(key, usable ? known : new PartitionFeed(position))
    }
    this.#feeds = feeds
    if (this.#lost && feeds.get(this.#lost.key)?.next !== this.#lost.offset) this.#lost = undefined
  }

  /** Starts a fetch at each broker that has none and from which more is wanted. */
  async #fetchAhead(): Promise<void> {
    const topics = [...new Set([...this.#feeds.values()].map(({ topic }) => topic))]
    if (topics.length === 0) return
    this.#client.topics.trackAll(...topics)
    const metadata = await this.#client.metadata({ topics: [...topics] })
    this.#noteLeaders(metadata)
    const byLeader = Map.groupBy(
      this.#feeds.values(),
      ({ topic, partition }) => metadata.topics.get(topic)!.partitions[partition]!.leader,
    )
    for (const leader of this.#failing.keys()) {
      if (!byLeader.has(leader)) this.#failing.delete(leader)
    }
    for (const [leader, feeds] of byLeader) {
      if (this.#fetching.has(leader)) continue
      const hungry = feeds.filter(({ waiting }) => waiting < ENOUGH_RECORDS)
      if (hungry.length === 0) continue
      const topicIds = new Map(topics.map((topic) => [metadata.topics.get(topic)!.id, topic]))
      // Were the idle ones waited for, those that are left out would wait with them.
      const maxWaitTime = hungry.length === feeds.length ? LONG_POLL_MS : 0
      void this.#fetch(leader, hungry, topicIds, maxWaitTime)
    }
  }

  /** A leader that lives on as a follower still answers, so that it moved is no failure. */
  #noteLeaders({ topics, lastUpdate }: ClusterMetadata): void {
    if (lastUpdate === this.#leadersAsOf) return
    this.#leadersAsOf = lastUpdate
    let moved = 0
    for (const [key, { topic, partition }] of this.#feeds) {
      const { leader } = topics.get(topic)!.partitions[partition]!
      if (leader < 0) continue // there is none just now
      if ((this.#leaders.get(key) ?? leader) !== leader) moved += 1
      this.#leaders.set(key, leader)
    }
    if (moved > 0) this.#incidents.leadersMoved(moved)
  }

  /** Never fails: an error is remembered with its broker. */
  async #fetch(
    leader: number,
    feeds: readonly PartitionFeed[],
    topicIds: ReadonlyMap<string, string>,
    maxWaitTime: number,
  ): Promise<void> {
    this.#fetching.add(leader)
    let asked: ReadonlyMap<PartitionFeed, bigint> = new Map()
    try {
      const retryAtMs = this.#failing.get(leader)?.retryAtMs ?? 0
      const waitMs = retryAtMs - performance.now()
      if (waitMs > 0) await delay(waitMs, undefined, { ref: false })
      asked = new Map(feeds.map((feed) => [feed, feed.next]))
      const response = await this.#client.fetch({
        node: leader,
        maxWaitTime,
        minBytes: 1,
        maxBytes: FETCH_BYTES.ofBroker,
        topics: fetchTopics(feeds, topicIds),
      })
      this.#failing.delete(leader)
      if (this.#lost?.leader === leader) this.#lost = undefined
      this.#keep(response, asked, topicIds)
    } catch (error) {
      this.#remember(leader, error, asked, topicIds)
    } finally {
      this.#fetching.delete(leader)
      const { resolve } = this.#news
      this.#news = Promise.withResolvers()
      resolve()
    }
  }

  /** Keeps what still fits: a reader may have moved while the fetch was under way. */
  #keep(
    { responses }: fetchV17.FetchResponse,
    asked: ReadonlyMap<PartitionFeed, bigint>,
    topicIds: ReadonlyMap<string, string>,
  ): void {
    for (const { topicId, partitions } of responses) {
      for (const { partitionIndex, records } of partitions) {
        const feed = this.#feeds.get(`${topicIds.get(topicId)} ${partitionIndex}`)
        if (feed && records && asked.get(feed) === feed.next) feed.add(records)
      }
    }
  }

  #remember(
    leader: number,
    error: unknown,
    asked: ReadonlyMap<PartitionFeed, bigint>,
    topicIds: ReadonlyMap<string, string>,
  ): void {
    if (this.#client.closed) return
    const known = this.#failing.get(leader)
    const failures = (known?.failures ?? 0) + 1
    this.#failing.set(leader, {
      error,
      failures,
      sinceMs: known?.sinceMs ?? performance.now(),
      retryAtMs: performance.now() + backoffMs(BACKOFF, failures, Math.random()),
    })
    this.#client.clearMetadata()
    this.#incidents.fetchFailed(kindOf(error), error)
    for (const { topicId, partition } of outOfRange(error)) {
      const key = `${topicIds.get(topicId)} ${partition}`
      const feed = this.#feeds.get(key)
      if (feed && asked.get(feed) === feed.next) this.#declareLost(leader, key, feed, error)
    }
  }

  /** The log begins behind a position or ends before it: what is between is lost, not skipped. */
  #declareLost(leader: number, key: string, feed: PartitionFeed, cause: unknown): void {
    const place = `partition ${feed.partition} of ${feed.topic}`
    const message = `Kafka has no offset ${feed.next} in ${place}: records are lost`
    const error = new EventLogError('OFFSET_OUT_OF_RANGE', message, cause)
    this.#lost = { key, offset: feed.next, leader, error }
    this.#incidents.offsetOutOfRange()
  }

  #raise(): void {
    if (this.#lost) throw this.#lost.error
    const nowMs = performance.now()
    for (const { error, sinceMs } of this.#failing.values()) {
      if (nowMs - sinceMs <= PATIENCE_MS) continue
      throw asEventLogError(error, 'could not read from a broker')
    }
  }
}

function fetchTopics(
  feeds: readonly PartitionFeed[],
  topicIds: ReadonlyMap<string, string>,
): Parameters<Consumer['fetch']>[0]['topics'] {
  return [...topicIds].map(([topicId, topic]) => ({
    topicId,
    partitions: feeds
      .filter((feed) => feed.topic === topic)
      .map(({ partition, next }) => ({
        partition,
        fetchOffset: next,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
        partitionMaxBytes: FETCH_BYTES.ofPartition,
      })),
  }))
}

function kindOf(error: unknown): FetchFailure {
  const moved = ['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE', 'FENCED_LEADER_EPOCH']
  if (moved.some((apiId) => isAnswer(error, apiId))) return 'leader_moved'
  return isUnreachable(error) ? 'broker' : 'other'
}

/** Resolves at news, after the time, or when aborted. */
async function firstOf(news: Promise<void>, waitMs: number, signal: AbortSignal): Promise<void> {
  const waiting = new AbortController()
  const end = (): void => waiting.abort()
  signal.addEventListener('abort', end, { once: true })
  await Promise.race([news, delay(waitMs, undefined, { signal: waiting.signal }).catch(() => {})])
  signal.removeEventListener('abort', end)
  end()
}
