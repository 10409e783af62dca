import type { TestScope } from '@caudal/testing/test-database.ts'
import { makeEditedCopy } from '../support/edited-copy.ts'

/**
 * The catalogue of the later release: two new types that only notifications must understand, a
 * minor version with a new required member, and a patch with a new optional one.
 */
const CATALOGUE = {
  file: 'packages/contracts/src/catalogue.ts',
  find: 'export const CATALOGUE = {',
  replace: `
function withChannel(row: EventRow) {
  const schema = row.schema as unknown as { properties: object; required: string[] }
  const channel = { type: 'string' }
  return {
    ...row,
    version: '1.2.0',
    upcasts: [...row.upcasts, (event: object) => ({ ...event, channel: 'unknown' })],
    schema: {
      ...JSON.parse(JSON.stringify(schema)),
      properties: { ...JSON.parse(JSON.stringify(schema.properties)), channel },
      required: [...schema.required, 'channel'],
    },
  }
}

function demo(row: EventRow) {
  const schema = { type: 'object', required: ['account_id'] }
  const more = { version: '1.0.0', since: '9.0.0', upcasts: [], consumers: ['notifications'] }
  return { ...row, schema, ...more }
}

const laterRows = {
  'demo.happened': demo(paymentEvents['payment.requested']),
  'demo.noted': demo(paymentEvents['payment.finalized']),
  'payment.requested': { ...paymentEvents['payment.requested'], version: '1.1.1' },
  'payment.finalized': withChannel(paymentEvents['payment.finalized']),
  'funds.reserved': withChannel(fundsEvents['funds.reserved']),
}

export const CATALOGUE = {`,
}

const CATALOGUE_ROWS = {
  file: CATALOGUE.file,
  find: '  ...userEvents,\n}',
  replace: '  ...userEvents,\n  ...laterRows,\n}',
}

/** The later release emits the new members, and the new types behind events of payments. */
const OUTBOX = {
  file: 'packages/outbox/src/add-to-outbox.ts',
  find: 'export function outboxInsert(events: readonly OutboxEvent[]): Sql {',
  replace: `
const NEXT = { 'payment.requested': 'demo.happened', 'payment.finalized': 'demo.noted' }

function asLater(emitted) {
  return emitted.flatMap(({ event, traceparent }) => {
    const later = { event: { ...event, channel: 'app' }, traceparent }
    const type = NEXT[event.event_type]
    if (type === undefined) return [later]
    const { account_id, region, tenant_id, actor } = event
    const demo = { event_type: type, schema_version: '1.0.0', account_id, region, tenant_id, actor }
    return [{ event: { ...demo, event_id: crypto.randomUUID() }, traceparent }, later]
  })
}

export function outboxInsert(emitted: readonly OutboxEvent[]): Sql {
  const events = asLater(emitted)`,
}

/** A release after this one, as an edited copy of the sources. Resolves to its root. */
export function makeLaterRelease(scope: TestScope): Promise<string> {
  return makeEditedCopy(scope, [CATALOGUE, CATALOGUE_ROWS, OUTBOX])
}
