/** Why a text is not an amount. */
export type AmountErrorCode =
  | 'AMOUNT_MALFORMED'
  | 'AMOUNT_TOO_LARGE'
  | 'AMOUNT_TOO_PRECISE'
  | 'UNKNOWN_CURRENCY'

/** A text is not a valid amount of its currency; `code` gives the reason. */
export class AmountError extends Error {
  readonly code: AmountErrorCode
  readonly retryable = false

  constructor(code: AmountErrorCode, message: string) {
    super(message)
    this.name = 'AmountError'
    this.code = code
  }
}
