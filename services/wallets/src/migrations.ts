import { fileURLToPath } from 'node:url'

/** Tables of the ledger. */
export const ledgerMigrations = {
  name: 'wallets',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
