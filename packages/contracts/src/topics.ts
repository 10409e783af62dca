/** The topics of the event log. Every topic has the same partition count. */
export const TOPICS = {
  users: 'identity.users',
  paymentsRequested: 'payments.requested',
  fundsReserved: 'wallets.funds.reserved',
  paymentsResults: 'payments.results',
  fundsReleased: 'wallets.funds.released',
  paymentsFinalized: 'payments.finalized',
  refundsRequested: 'refunds.requested',
  refundsResults: 'refunds.results',
  refundsFinalized: 'refunds.finalized',
  returnsFinalized: 'returns.finalized',
  pspFacts: 'psp.facts',
  postingsRequested: 'postings.requested',
  fundsPosted: 'wallets.funds.posted',
  cases: 'cases.opened',
  ledger: 'wallets.ledger',
} as const

export type Topic = (typeof TOPICS)[keyof typeof TOPICS]

/** Partitions of every topic, for ever: a key's partition must never move (ADR 0001). */
export const PARTITION_COUNT = 12
