import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventLog, NewRecord, Position } from '../event-log.ts'
import { withPrefix } from './with-prefix.ts'

test('a prefix is added to every name on the way in and removed on the way out', async () => {
  const seen: string[] = []
  const at = (topic: string): Position => ({ topic, partition: 3, offset: 7n })
  const report = async (positions: readonly Position[]): Promise<boolean> => {
    seen.push(...positions.map(({ topic }) => topic))
    return true
  }
  const inner: EventLog = {
    append: async (records) => void seen.push(...records.map(({ topic }) => topic)),
    read: async ([first]) => [{ ...record(first!.topic), partition: 3, offset: 7n }],
    async join(group, topics, listen) {
      seen.push(group, ...topics)
      listen([{ topic: topics[0]!, partition: 3 }])
      return { report, leave: async () => {} }
    },
    earliest: async (partitions) => partitions.map(({ topic }) => at(topic)),
    end: async (partitions) => partitions.map(({ topic }) => at(topic)),
    identify: async (topics) => new Map(topics.map((topic) => [topic, `id of ${topic}`])),
    close: async () => {},
  }
  const log = withPrefix(inner, 'blue.')
  await log.append([record('payments')])
  const options = { maxRecords: 1, waitMs: 0, signal: new AbortController().signal }
  const [read] = await log.read([at('payments')], options)
  const assigned: string[] = []
  const membership = await log.join('wallets', ['payments'], (partitions) => {
    assigned.push(...partitions.map(({ topic }) => topic))
  })
  await membership.report([at('payments')])
  assert.deepEqual(seen, ['blue.payments', 'blue.wallets', 'blue.payments', 'blue.payments'])
  assert.deepEqual([read?.topic, ...assigned], ['payments', 'payments'])
  assert.deepEqual(await log.earliest([at('payments')]), [at('payments')])
  assert.deepEqual(await log.end([at('payments')]), [at('payments')])
  const ids = await log.identify(['payments'])
  assert.deepEqual([...ids], [['payments', 'id of blue.payments']])
})

function record(topic: string): NewRecord {
  return { topic, key: 'a', value: '{}', headers: {} }
}
