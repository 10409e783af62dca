/** What an idempotency key decides before anything else is looked at (F2). */
export type KeyDecision<Answer> =
  | { kind: 'new' }
  /** The same request again: its answer is repeated. */
  | { kind: 'replay'; answer: Answer }
  /** Another request under the same key: 422 IDEMPOTENCY_MISMATCH. */
  | { kind: 'mismatch' }

/** Decides by what the key is bound to, if anything, and the fingerprint of the request. */
export function decideByKey<Answer extends { fingerprint: string }>(
  bound: Answer | undefined,
  fingerprint: string,
): KeyDecision<Answer> {
  if (bound === undefined) return { kind: 'new' }
  return bound.fingerprint === fingerprint
    ? { kind: 'replay', answer: bound }
    : { kind: 'mismatch' }
}
