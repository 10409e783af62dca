/** Each process that has an address, with the port it listens on by default. */
export const DEFAULT_PORTS = {
  API_GATEWAY: 8080,
  PAYMENTS: 8081,
  WALLETS: 8082,
  PROCESSOR: 8083,
  NOTIFICATIONS: 8084,
  IDENTITY: 8085,
  ORDERS: 8086,
  PSP: 8087,
  PUSH: 8088,
  // 8089 is the port for APNs of the push simulator.
  ASYNCBANK: 8090,
} as const

export type ProcessName = keyof typeof DEFAULT_PORTS
