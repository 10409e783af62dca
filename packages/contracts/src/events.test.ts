import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOGUE, type EventType } from './catalogue.ts'

type Schema = {
  properties?: Record<string, Schema>
  items?: Schema
  required?: string[]
}

const EVENTS = Object.entries(CATALOGUE).map(
  ([type, { schema }]) => [type, schema as Schema] as const,
)

/**
 * Every member that an event may have. Before you add one, ask: could it identify a person? Names,
 * devices, addresses and the like stay in identity, where they can be erased. The service that is
 * paid, and its account, are a company's and not the customer's.
 */
const PSEUDONYMOUS = new Set(
  `event_id event_type actor type id timestamp occurred_at schema_version region
   tenant_id account_id user_id wallet_id accounts
   payment_id external_order_id idempotency_key reference_id transfer_id
   wallet_transaction_id payment_data amount amount_minor currency
   service_name service_account_number service_bank_code
   status reason account_version available_minor held_minor value_date
   entries balance balance_after_minor hold hold_id remaining_minor expires_at client_id corrects
   correction policy_version
   kind stripe psp overdraft_limit_minor revision change change_id
   refund_id method decline_code failure_reason version
   dispute_id outcome return_id reference reason_code payment contradiction subject detail
   posting posting_id source end otherwise charges charges_minor case_id
   gateway_response error_code message gateway_transaction_id`.split(/\s+/),
)

test('rule 3: every event carries its partition key; every event of an account, account_id', () => {
  assert.ok(EVENTS.length >= 10)
  for (const [name, { properties, required }] of EVENTS) {
    const { key, since } = CATALOGUE[name as EventType]
    assert.ok(properties?.[key], `${name} has no ${key}`)
    assert.ok(required?.includes(key), `${name} may lack ${key}`)
    const ofAccount = properties['account_id'] !== undefined || since === '0.1.0'
    assert.ok(!ofAccount || key === 'account_id', `${name} is not in the order of its account`)
  }
})

test('P7: every event has its id, type, schema version, region, tenant and time', () => {
  const common = ['event_id', 'event_type', 'schema_version', 'region', 'tenant_id']
  for (const [name, { required = [] }] of EVENTS) {
    const lacking = common.filter((member) => !required.includes(member))
    assert.deepEqual(lacking, [], name)
    assert.ok(required.includes('timestamp') || required.includes('occurred_at'), name)
  }
})

test('rule 16, E6: no event has a member for anything personal', () => {
  for (const [name, schema] of EVENTS) {
    const unknown = membersOf(schema).filter((member) => !PSEUDONYMOUS.has(member))
    assert.deepEqual(unknown, [], name)
  }
})

function membersOf({ properties = {}, items }: Schema): string[] {
  const nested = Object.entries(properties).flatMap(([name, schema]) => [
    name,
    ...membersOf(schema),
  ])
  return items ? [...nested, ...membersOf(items)] : nested
}
