import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import { EVENT_ROWS } from './event-schemas.ts'
import type { ReferenceDocument } from './reference-document.ts'

type Reference = { $ref: string }

/** `docs/reference/asyncapi.json` (AsyncAPI 3): topics, messages, who sends and receives them. */
export function asyncApi(): ReferenceDocument {
  const topics = Object.values(TOPICS).toSorted()
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Caudal events',
      version: '1.1.0',
      description: 'Events that the services of Caudal emit and consume.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(topics.map((topic) => [topic, channelOf(topic)])),
    operations: operations(),
    components: { messages: messages() },
  }
  return {
    path: 'docs/reference/asyncapi.json',
    text: `${JSON.stringify(document, null, 2)}\n`,
  }
}

function channelOf(topic: string): object {
  const types = EVENT_ROWS.filter(([, row]) => row.topic === topic).map(([type]) => type)
  return {
    address: topic,
    messages: Object.fromEntries(
      types.map((type) => [type, { $ref: `#/components/messages/${type}` }]),
    ),
    bindings: { kafka: { topic, partitions: PARTITION_COUNT } },
  }
}

/** One for each service and topic: what it sends there, and what it receives. */
function operations(): Record<string, object> {
  const found = new Map<string, { action: string; topic: string; messages: Reference[] }>()
  const add = (action: 'send' | 'receive', service: string, topic: string, type: string): void => {
    const id = `${service}.${action}.${topic}`
    const known = found.get(id) ?? { action, topic, messages: [] }
    known.messages.push({ $ref: `#/channels/${topic}/messages/${type}` })
    found.set(id, known)
  }
  for (const [type, { owner, consumers, topic }] of EVENT_ROWS) {
    add('send', owner, topic, type)
    for (const consumer of consumers) add('receive', consumer, topic, type)
  }
  return Object.fromEntries(
    [...found.keys()].toSorted().map((id) => {
      const { action, topic, messages: sent } = found.get(id)!
      return [id, { action, channel: { $ref: `#/channels/${topic}` }, messages: sent }]
    }),
  )
}

function messages(): Record<string, object> {
  return Object.fromEntries(
    EVENT_ROWS.map(([type, row]) => [
      type,
      {
        name: type,
        title: `${type} ${row.version}`,
        summary: row.description,
        contentType: 'application/json',
        headers: {
          type: 'object',
          properties: { traceparent: { type: 'string' }, consumers: { type: 'string' } },
        },
        payload: {
          schemaFormat: 'application/schema+json;version=draft-2020-12',
          schema: { $ref: `schemas/${type}.json` },
        },
        bindings: {
          kafka: { key: { type: 'string', description: `The event's ${row.key}.` } },
        },
      },
    ]),
  )
}
