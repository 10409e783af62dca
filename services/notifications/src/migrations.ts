import { fileURLToPath } from 'node:url'

/** Tables of the notification service. */
export const notificationMigrations = {
  name: 'notifications',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
