import { AmountError } from './amount-error.ts'

/**
 * The active codes of ISO 4217, list one, by exponent. Codes without a minor unit (gold XAU,
 * testing XTS, no currency XXX, …) are left out, since payments cannot use them.
 */
const CODES_BY_EXPONENT: Record<number, string> = {
  0: `
    BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
  `,
  2: `
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
    LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
    NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS
    SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
    XAD XCD XCG YER ZAR ZMW ZWG
  `,
  3: `
    BHD IQD JOD KWD LYD OMR TND
  `,
  4: `
    CLF UYW
  `,
}

const EXPONENTS: ReadonlyMap<string, number> = new Map(
  Object.entries(CODES_BY_EXPONENT).flatMap(([exponent, codes]) =>
    codes
      .trim()
      .split(/\s+/)
      .map((code) => [code, Number(exponent)] as const),
  ),
)

/** All supported currencies, sorted by code. */
export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()].toSorted()

/** Whether `code` is an active ISO 4217 code with a minor unit, in upper case. */
export function isCurrency(code: string): boolean {
  return EXPONENTS.has(code)
}

/**
 * The number of decimal digits of a currency: 2 for USD, 0 for JPY.
 *
 * @throws AmountError UNKNOWN_CURRENCY
 */
export function exponentOf(code: string): number {
  const exponent = EXPONENTS.get(code)
  if (exponent === undefined) {
    throw new AmountError('UNKNOWN_CURRENCY', `${JSON.stringify(code)} is not a currency`)
  }
  return exponent
}
