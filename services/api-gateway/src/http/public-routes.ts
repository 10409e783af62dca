import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { SCOPE, type Scope, type ScopeHolder } from '@caudal/contracts/scopes.ts'
import type { ServiceName } from '@caudal/contracts/services.ts'
import type { FastifySchema } from 'fastify'
import {
  createPaymentSchema,
  getOwnPaymentSchema,
  getWalletSchema,
  listEntriesSchema,
  listOwnPaymentsSchema,
} from './public-schemas.ts'
import {
  cancelPaymentSchema,
  cancelRefundSchema,
  createRefundSchema,
  getRefundSchema,
  listRefundsSchema,
  listReturnsSchema,
} from './refund-schemas.ts'

/** A service behind the gateway; its address is `CAUDAL_<SERVICE>_URL`. */
export type PeerName = Exclude<ServiceName, 'api-gateway'>

/** A route that is reached from outside, and the route of a service that answers it. */
export interface PublicRoute {
  method: 'GET' | 'POST'
  /** Outside; `:name` is a parameter. */
  path: string
  peer: PeerName
  /** At the peer. A parameter is that of the outer path and must be a UUID. */
  innerPath: string
  /** The answer to a parameter that is no UUID: such a text names nothing. */
  unknown?: ErrorCode
  /** `aud` of the token that goes inside; default: the peer's name. */
  audience?: string
  scope: Scope
  /** Who may call; default: users. To a route of users the token of a client is not valid. */
  holders?: readonly ScopeHolder[]
  /** Tokens of the user's rate limit that a request takes. */
  cost: number
  /** The largest body; default: that of the configuration. */
  bodyLimitBytes?: number
  /** The gateway makes the id of the payment, so that a retry has the same one. */
  mintsPaymentId?: boolean
  /** The peer's route for requests that arrive together (see `join-requests.ts`). */
  joinedAt?: string
  /**
   * The operation in the OpenAPI document. A query is passed on where the schema has one. Bodies
   * and queries go inside as bytes, and the service validates them.
   */
  schema: FastifySchema
}

const USERS_AND_CLIENTS = ['user', 'client'] as const
const CLIENTS = ['client'] as const

/** The public interface. A new public route is one row here and its schema. */
export const PUBLIC_ROUTES: readonly PublicRoute[] = [
  {
    method: 'POST',
    path: '/api/v1/payments',
    peer: 'payments',
    innerPath: '/v1/payments',
    scope: SCOPE.paymentsWrite,
    cost: 1,
    mintsPaymentId: true,
    joinedAt: '/internal/payment-requests',
    schema: createPaymentSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/payments',
    peer: 'payments',
    innerPath: '/v1/payments',
    scope: SCOPE.paymentsRead,
    cost: 1,
    schema: listOwnPaymentsSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/payments/:payment_id',
    peer: 'payments',
    innerPath: '/v1/payments/:payment_id',
    unknown: 'PAYMENT_NOT_FOUND',
    scope: SCOPE.paymentsRead,
    holders: USERS_AND_CLIENTS,
    cost: 1,
    schema: getOwnPaymentSchema,
  },
  {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/cancel',
    peer: 'payments',
    innerPath: '/v1/payments/:payment_id/cancel',
    unknown: 'PAYMENT_NOT_FOUND',
    scope: SCOPE.paymentsWrite,
    holders: USERS_AND_CLIENTS,
    cost: 1,
    schema: cancelPaymentSchema,
  },
  {
    method: 'POST',
    path: '/api/v1/payments/:payment_id/refunds',
    peer: 'payments',
    innerPath: '/v1/payments/:payment_id/refunds',
    unknown: 'PAYMENT_NOT_FOUND',
    scope: SCOPE.refundsWrite,
    holders: CLIENTS,
    cost: 1,
    schema: createRefundSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/payments/:payment_id/refunds',
    peer: 'payments',
    innerPath: '/v1/payments/:payment_id/refunds',
    unknown: 'PAYMENT_NOT_FOUND',
    scope: SCOPE.paymentsRead,
    holders: USERS_AND_CLIENTS,
    cost: 1,
    schema: listRefundsSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/payments/:payment_id/returns',
    peer: 'payments',
    innerPath: '/v1/payments/:payment_id/returns',
    unknown: 'PAYMENT_NOT_FOUND',
    scope: SCOPE.paymentsRead,
    holders: USERS_AND_CLIENTS,
    cost: 1,
    schema: listReturnsSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/refunds/:refund_id',
    peer: 'payments',
    innerPath: '/v1/refunds/:refund_id',
    unknown: 'REFUND_NOT_FOUND',
    scope: SCOPE.paymentsRead,
    holders: USERS_AND_CLIENTS,
    cost: 1,
    schema: getRefundSchema,
  },
  {
    method: 'POST',
    path: '/api/v1/refunds/:refund_id/cancel',
    peer: 'payments',
    innerPath: '/v1/refunds/:refund_id/cancel',
    unknown: 'REFUND_NOT_FOUND',
    scope: SCOPE.refundsWrite,
    holders: CLIENTS,
    cost: 1,
    schema: cancelRefundSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/wallet',
    peer: 'wallets',
    innerPath: '/v1/wallet',
    scope: SCOPE.walletRead,
    cost: 1,
    schema: getWalletSchema,
  },
  {
    method: 'GET',
    path: '/api/v1/wallet/entries',
    peer: 'wallets',
    innerPath: '/v1/wallet/entries',
    scope: SCOPE.walletRead,
    cost: 1,
    schema: listEntriesSchema,
  },
]

/** The services that the routes reach, each once. */
export function peersOf(routes: readonly PublicRoute[]): PeerName[] {
  return [...new Set(routes.map(({ peer }) => peer))]
}
