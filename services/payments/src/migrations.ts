import { fileURLToPath } from 'node:url'

/** Tables of the payment service. */
export const paymentMigrations = {
  name: 'payments',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
