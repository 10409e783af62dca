import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PARTITION_COUNT } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import type { EventLog, LogRecord, NewRecord, Position, TopicPartition } from '../src/event-log.ts'
import { partitionOf } from '../src/partition-of.ts'

/** Opens logs over the same records; each call is another client, as another process has one. */
export type OpenLog = () => Promise<EventLog>

export const TOPIC = 'conformance.first'
export const OTHER_TOPIC = 'conformance.second'

const PARTITIONS: TopicPartition[] = Array.from({ length: PARTITION_COUNT }, (_, partition) => ({
  topic: TOPIC,
  partition,
}))

/**
 * What every driver of the event log must keep (ADR 0003). `prepare` gives an empty log with the
 * two topics; the driver's own test file calls this and adds nothing to it.
 */
export function logConformance(
  driver: string,
  prepare: (scope: TestScope) => Promise<OpenLog>,
): void {
  const promise = (
    title: string,
    run: (open: OpenLog, scope: TestScope) => Promise<void>,
  ): void => {
    test(`${driver}: ${title}`, async (t) => run(await prepare(t), t))
  }

  promise('records are read as they were appended, in order per key', async (open, t) => {
    const log = await opened(open, t)
    const records = numbered('account', 500, 7)
    await log.append(records)
    const read = await readAll(log, await log.earliest(PARTITIONS), records.length)
    for (const { key, value, headers, topic, partition } of read) {
      assert.equal(topic, TOPIC)
      assert.equal(partition, partitionOf(key))
      assert.deepEqual(headers, { traceparent: `trace-${value}` })
    }
    assertOrderPerKey(records, read)
  })

  promise('offsets of a partition grow, and a read begins at its position', async (open, t) => {
    const log = await opened(open, t)
    await log.append(numbered('account', 300, 5))
    const read = await readAll(log, await log.earliest(PARTITIONS), 300)
    const byPartition = Map.groupBy(read, (record) => record.partition)
    for (const [partition, records] of byPartition) {
      const offsets = records.map((record) => record.offset)
      assert.deepEqual(
        offsets,
        offsets.toSorted((a, b) => Number(a - b)),
      )
      const middle = records[Math.floor(records.length / 2)]!
      const position = { topic: TOPIC, partition, offset: middle.offset }
      const tail = await readAll(log, [position], records.length - records.indexOf(middle))
      assert.equal(tail[0]!.offset, middle.offset)
    }
  })

  promise('a read gives at most what was asked for and loses nothing', async (open, t) => {
    const log = await opened(open, t)
    const records = numbered('account', 100, 10)
    await log.append(records)
    const read = await readAll(log, await log.earliest(PARTITIONS), 100, 7)
    assertOrderPerKey(records, read)
  })

  promise('a read without news waits for the next record of another client', async (open, t) => {
    const [reader, writer] = [await opened(open, t), await opened(open, t)]
    const start = await reader.end(PARTITIONS)
    const waiting = readAll(reader, start, 1)
    await writer.append(numbered('late', 1, 1))
    assert.equal((await waiting)[0]!.value, '0')
  })

  promise('an aborted read ends at once without records', async (open, t) => {
    const log = await opened(open, t)
    const controller = new AbortController()
    const options = { maxRecords: 10, waitMs: 600_000, signal: controller.signal }
    const waiting = log.read(await log.end(PARTITIONS), options)
    controller.abort()
    assert.deepEqual(await waiting, [])
  })

  promise('concurrent writers skip no record and keep order per key', async (open, t) => {
    const writers = await Promise.all([opened(open, t), opened(open, t), opened(open, t)])
    const log = await opened(open, t)
    const position = await log.earliest(PARTITIONS)
    const perWriter = writers.map((_, index) => numbered(`writer-${index}`, 400, 6))
    const reading = readAll(log, position, 1_200)
    await Promise.all(
      writers.map(async (writer, index) => {
        const records = perWriter[index]!
        for (let at = 0; at < records.length; at += 20) {
          await writer.append(records.slice(at, at + 20))
        }
      }),
    )
    assertOrderPerKey(perWriter.flat(), await reading)
  })

  promise(
    'rule 4: what is appended again is there again, and no order suffers',
    async (open, t) => {
      const [first, second] = [await opened(open, t), await opened(open, t)]
      const records = numbered('account', 60, 4)
      // A relay that published and died before it marked that; another begins at the last mark.
      await first.append(records.slice(0, 40))
      await second.append(records.slice(20, 60))
      const read = await readAll(first, await first.earliest(PARTITIONS), 80)
      assertOrderPerKey(records, read)
      const copies = Map.groupBy(read, (record) => record.value)
      for (const [index, { value }] of records.entries()) {
        const expected = index >= 20 && index < 40 ? 2 : 1
        assert.equal(copies.get(value)!.length, expected, `copies of record ${value}`)
      }
    },
  )

  promise(
    'a topic that is not there is refused and nothing of the batch is lost silently',
    async (open, t) => {
      const log = await opened(open, t)
      const [record] = numbered('account', 1, 1)
      await assert.rejects(log.append([{ ...record!, topic: 'conformance.absent' }]), {
        code: 'EVENT_LOG_REFUSED',
      })
    },
  )

  promise(
    'all partitions have a member, and a new one takes over when it leaves',
    async (open, t) => {
      const [first, second] = [await opened(open, t), await opened(open, t)]
      let firstHas: readonly TopicPartition[] = []
      let secondHas: readonly TopicPartition[] = []
      const topics = [TOPIC, OTHER_TOPIC]
      const all = topics.length * PARTITION_COUNT
      const member = await first.join('group', topics, (mine) => (firstHas = mine))
      await eventually(() => firstHas.length === all, { label: 'the first member has everything' })
      const next = await second.join('group', topics, (mine) => (secondHas = mine))
      await eventually(() => firstHas.length + secondHas.length === all, { label: 'shared' })
      await member.leave()
      await eventually(() => secondHas.length === all, { timeoutMs: 30_000, label: 'taken over' })
      await next.leave()
    },
  )

  promise('each client finds the same identity of a topic', async (open, t) => {
    const [first, second] = [await opened(open, t), await opened(open, t)]
    const ids = await first.identify([TOPIC, OTHER_TOPIC])
    assert.deepEqual([...ids.keys()], [TOPIC, OTHER_TOPIC])
    assert.deepEqual(await second.identify([TOPIC, OTHER_TOPIC]), ids)
  })

  promise('the end is the offset of the next record', async (open, t) => {
    const log = await opened(open, t)
    await log.append(numbered('account', 50, 5))
    const end = await log.end(PARTITIONS)
    await log.append(numbered('more', 20, 5))
    const read = await readAll(log, end, 20)
    assert.ok(read.every((record) => record.key.startsWith('more')))
  })
}

async function opened(open: OpenLog, scope: TestScope): Promise<EventLog> {
  const log = await open()
  scope.after(() => log.close())
  return log
}

function numbered(prefix: string, count: number, keys: number): NewRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: TOPIC,
    key: `${prefix}-${index % keys}`,
    value: String(index),
    headers: { traceparent: `trace-${index}` },
  }))
}

async function readAll(
  log: EventLog,
  from: readonly Position[],
  count: number,
  maxRecords = 1_000,
): Promise<LogRecord[]> {
  const positions = new Map(from.map((it) => [`${it.topic} ${it.partition}`, it]))
  const records: LogRecord[] = []
  const { signal } = new AbortController()
  while (records.length < count) {
    const batch = await log.read([...positions.values()], { maxRecords, waitMs: 5_000, signal })
    assert.ok(batch.length <= maxRecords || maxRecords === 1_000)
    for (const { topic, partition, offset } of batch) {
      positions.set(`${topic} ${partition}`, { topic, partition, offset: offset + 1n })
    }
    records.push(...batch)
  }
  return records
}

/** Each key's values in the order written; copies of a record that follow it are allowed. */
function assertOrderPerKey(written: readonly NewRecord[], read: readonly LogRecord[]): void {
  const expected = Map.groupBy(written, (record) => record.key)
  const found = Map.groupBy(read, (record) => record.key)
  assert.deepEqual([...found.keys()].toSorted(), [...expected.keys()].toSorted())
  for (const [key, records] of expected) {
    const values = found.get(key)!.map((record) => record.value)
    assert.deepEqual(
      [...new Set(values)],
      records.map((record) => record.value),
      `order of ${key}`,
    )
  }
}
