import type { PspAdapter } from './adapter.ts'
import { classifyAnswer, classifyStatus } from './classify-answer.ts'
import { freezeRequest } from './freeze-request.ts'

/**
 * The adapter of the PSP whose API is described in docs/concepts/psp-and-doubt.md: JSON over HTTP,
 * a verdict in the answer itself, an Idempotency-Key, and a status query by our payment id (P5).
 */
export function createSyncbankAdapter({ apiKey }: { apiKey?: string | undefined }): PspAdapter {
  const common: Record<string, string> = {
    accept: 'application/json',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  }
  return {
    freeze: freezeRequest,
    encodePayment: ({ paymentId }, body) => ({
      method: 'POST',
      path: '/v1/payments',
      headers: { ...common, 'content-type': 'application/json', 'idempotency-key': paymentId },
      body,
    }),
    encodeQuery: ({ paymentId }) => ({
      method: 'GET',
      path: `/v1/payments/${paymentId}`,
      headers: common,
      body: null,
    }),
    decodePayment: classifyAnswer,
    decodeQuery: classifyStatus,
  }
}
