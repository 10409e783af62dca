/** The services that emit or consume events. */
export const SERVICES = [
  'api-gateway',
  'identity',
  'notifications',
  'orders',
  'payments',
  'processor',
  'wallets',
] as const

export type ServiceName = (typeof SERVICES)[number]
