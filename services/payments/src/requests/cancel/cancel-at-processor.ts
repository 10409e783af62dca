import { callService, ServiceCallError, type TokenSource } from '@caudal/http/call-service.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'

/** What is to be canceled: a payment or a refund of a tenant. */
export interface CancelTarget {
  kind: 'pay' | 'refund'
  id: string
  tenantId: string
  traceparent: string
}

export interface CancelCallDeps {
  processorUrl: string
  getToken: TokenSource
  /** Deadline of the call, including its token. */
  timeoutMs: number
  logger: Logger
}

/** Asks the processor to cancel; true if nothing was sent, and so nothing will be. */
export type CancelAtProcessor = (target: CancelTarget) => Promise<boolean>

/**
 * The call of the processor, outside of any transaction. The processor decides: exactly one of
 * cancel and send wins there. What follows comes as events; a repeat has the same answer.
 *
 * @throws {Problem} UNAVAILABLE if the processor gives no usable answer; it may have canceled
 */
export function createCancel(deps: CancelCallDeps): CancelAtProcessor {
  const { processorUrl: url, getToken, timeoutMs, logger } = deps
  return async ({ kind, id, tenantId, traceparent }) => {
    try {
      const path = `/internal/operations/${id}/cancel`
      const body = { kind, tenant_id: tenantId }
      const { status } = await callService({ url, path, body, getToken, traceparent, timeoutMs })
      if (status === 200 || status === 409) return status === 200
      logger.error({ status }, 'could not use the answer of the processor to a cancel')
    } catch (error) {
      if (!(error instanceof ServiceCallError)) throw error
      logger.warn({ err: error }, 'could not cancel at the processor')
    }
    throw new Problem('UNAVAILABLE', 'it is not known whether it was canceled; try again')
  }
}
