import { lookUpKey } from '@caudal/idempotency/load-keys.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  requestKeyOf,
  type KnownRequests,
  orderOf,
  type PaymentRequest,
} from '../domain/decide-requests.ts'
import type { Status } from '../domain/payment.ts'
import { PAYMENT_KEYS } from './payment-keys.ts'

type Row = {
  position: bigint
  fingerprint: string | null
  status: number
  body: string
  resource_id: string | null
  occupant: string | null
  occupant_user: string
  occupant_status: Status
}

/** Loads what is known of the requests' idempotency keys and orders, in one statement. */
export async function loadRequests(
  db: Db,
  requests: readonly PaymentRequest[],
): Promise<KnownRequests> {
  const { rows } = await db.query<Row>(lookUp(requests))
  const known: KnownRequests = { answers: new Map(), occupied: new Map() }
  for (const row of rows) {
    const request = requests[Number(row.position) - 1]!
    if (row.fingerprint !== null) {
      known.answers.set(requestKeyOf(request), {
        fingerprint: row.fingerprint,
        httpStatus: row.status,
        body: row.body,
        paymentId: row.resource_id,
      })
    }
    if (row.occupant !== null) {
      known.occupied.set(orderOf(request), {
        paymentId: row.occupant,
        userId: row.occupant_user,
        status: row.occupant_status,
      })
    }
  }
  return known
}

/** Where the statement below has the parts of a request's key. */
const REQUESTED = {
  tenantId: raw('r.tenant_id'),
  principalId: raw('r.user_id'),
  idempotencyKey: raw('r.idempotency_key'),
}

// Each request looks up its key and its order by index, however large the tables are: LIMIT and
// OFFSET 0 keep the planner from reading them as a whole. Like all statements of this folder it has
// no name: a plan that was prepared while the tables were small would be kept while they grow.
// Requests of which nothing is known, nearly all, cost no row.
function lookUp(requests: readonly PaymentRequest[]): Sql {
  return sql`
    SELECT r.position, k.fingerprint, k.status, k.body, k.resource_id,
      p.payment_id AS occupant, p.user_id AS occupant_user, p.status AS occupant_status
    FROM unnest(
      ${textArray(requests, (request) => request.tenantId)}::text[],
      ${uuidArray(requests, (request) => request.userId)}::uuid[],
      ${uuidArray(requests, (request) => request.idempotencyKey)}::uuid[],
      ${uuidArray(requests, (request) => request.externalOrderId)}::uuid[]
    ) WITH ORDINALITY AS r(tenant_id, user_id, idempotency_key, external_order_id, position)
    LEFT JOIN LATERAL (${lookUpKey(PAYMENT_KEYS, REQUESTED)}
    ) k ON true
    LEFT JOIN LATERAL (
      SELECT o.payment_id, o.user_id, o.status
      FROM payments o
      WHERE o.tenant_id = r.tenant_id AND o.external_order_id = r.external_order_id
        AND NOT o.order_freed
      OFFSET 0
    ) p ON true
    WHERE k.fingerprint IS NOT NULL OR p.payment_id IS NOT NULL
    ORDER BY r.position`
}
