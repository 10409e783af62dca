/** A step of a payment as one service saw it (P11). */
export type PaymentStep = { at: string; step: string; detail: string | null }

/** A payment as its tenant knows it; to any other there is none. */
export type NamedPayment = { tenantId: string; paymentId: string }
