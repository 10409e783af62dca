import type { HttpServer } from '@caudal/http/create-server.ts'
import { BehaviourSettingsInput, completeSettings } from '../behaviour-settings.ts'
import type { BehaviourStore } from '../behaviour-store.ts'

const settings = { 200: BehaviourSettingsInput }
const SETTINGS_LIMIT_BYTES = 1024 * 1024

/** Adds `GET` and `PUT /admin/behaviour`. A PUT replaces all settings. */
export function addBehaviourRoutes(app: HttpServer, behaviours: BehaviourStore): void {
  app.get('/admin/behaviour', { schema: { response: settings } }, (_request, reply) =>
    reply.send(behaviours.settings),
  )
  app.put(
    '/admin/behaviour',
    {
      bodyLimit: SETTINGS_LIMIT_BYTES,
      schema: { body: BehaviourSettingsInput, response: settings },
    },
    async ({ body }, reply) => {
      await behaviours.replace(completeSettings(body))
      return reply.send(behaviours.settings)
    },
  )
}
