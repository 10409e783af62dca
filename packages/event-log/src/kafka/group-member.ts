import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { Consumer } from '@platformatic/kafka'
import type { AssignmentListener, Membership, Position } from '../event-log.ts'
import { assignPartitions } from './assign-partitions.ts'
import { clientOptions, heedErrors } from './client-options.ts'
import type { JoinFailure, KafkaIncidents } from './kafka-incidents.ts'
import type { KafkaSettings } from './kafka-settings.ts'

const SESSION_MS = 6_000
const HEARTBEATS_PER_SESSION = 6
const RETRIES = { retries: 3, retryDelay: 250 }
const LEAVE_MS = 2_000
const BACKOFF = { baseMs: 500, mostMs: 10_000 }

export type GroupOptions = {
  settings: KafkaSettings
  clientId: string
  group: string
  topics: readonly string[]
  listen: AssignmentListener
  incidents: KafkaIncidents
}

/**
 * A member of a Kafka group. The group only assigns partitions to it (ADR 0012). A membership that
 * is lost is dropped as a whole, and a new client joins again.
 */
export class GroupMember implements Membership {
  readonly #options: GroupOptions
  readonly #sessionMs: number
  #client: Consumer | undefined
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: GroupOptions) {
    this.#options = options
    this.#sessionMs = options.settings.sessionTimeoutMs ?? SESSION_MS
  }

  /** Asks to join; the listener is called when that has happened. */
  join(): void {
    const client = this.#createClient()
    this.#client = client
    client.on('consumer:group:rebalance', () => this.#assign(client, []))
    client.on('consumer:group:join', ({ assignments }) => {
      this.#failures = 0
      this.#options.incidents.rebalanced()
      this.#assign(client, assignments ?? [])
    })
    // The client stops after a rejoin that failed, and sends no more heartbeats.
    client.on('error', (error: Error) => this.#lose(client, 'rejoin', error))
    client.on('consumer:heartbeat:stalled', ({ lastError }) => {
      this.#lose(client, 'heartbeat', lastError ?? new Error('the heartbeat stalled'))
    })
    client.joinGroup({}).catch((error: unknown) => this.#lose(client, 'join', error))
  }

  async leave(): Promise<void> {
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    if (client) await closeMember(client)
  }

  async report(positions: readonly Position[]): Promise<boolean> {
    const client = this.#client
    if (!client?.isActive()) return false
    try {
      await client.commit({ offsets: positions.map((it) => ({ ...it, leaderEpoch: -1 })) })
      return true
    } catch (error) {
      if (this.#client === client) this.#options.incidents.reportFailed(error)
      return false
    }
  }

  #createClient(): Consumer {
    const { settings, clientId, group, topics } = this.#options
    const client = heedErrors(
      new Consumer({
        ...clientOptions(settings, clientId),
        ...RETRIES,
        groupId: group,
        autocommit: false,
        sessionTimeout: this.#sessionMs,
        rebalanceTimeout: this.#sessionMs + 2_000,
        heartbeatInterval: Math.round(this.#sessionMs / HEARTBEATS_PER_SESSION),
        heartbeatStallTimeout: this.#sessionMs * 3,
        partitionAssigner: assignPartitions,
      }),
    )
    client.topics.trackAll(...topics)
    return client
  }

  #assign(client: Consumer, assignments: readonly { topic: string; partitions: number[] }[]): void {
    if (this.#client !== client) return
    this.#options.listen(
      assignments.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    )
  }

  #lose(client: Consumer, kind: JoinFailure, error: unknown): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#options.listen([])
    this.#options.incidents.joinFailed(kind, error)
    void closeMember(client)
    this.#failures += 1
    const pauseMs = backoffMs(BACKOFF, this.#failures, Math.random())
    this.#timer = setTimeout(() => this.join(), pauseMs)
  }
}

/**
 * Leaves at once where the coordinator can be reached, else the session runs out. First the group
 * and then the client: closed with a join under way, it would finish that and beat for ever, which
 * keeps the process alive.
 */
async function closeMember(client: Consumer): Promise<void> {
  const left = new Promise<void>((resolve) => {
    client.leaveGroup(true, () => resolve())
  })
  await Promise.race([left, delay(LEAVE_MS, undefined, { ref: false })])
  try {
    await client.close(true)
  } catch {
    await client.connections.close().catch(() => {})
  }
}
