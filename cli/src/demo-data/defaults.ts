/** The payees of demo orders. */
export const SERVICES_TO_PAY = [
  { name: 'Agua Clara', accountNumber: '1234567890', bankCode: 'BNK112' },
  { name: 'Luz del Sur', accountNumber: '2345678901', bankCode: 'BNK112' },
  { name: 'Red Veloz', accountNumber: '3456789012', bankCode: 'BNK204' },
] as const
