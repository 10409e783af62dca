/** An OAuth client by configuration: a service, or the command line. */
export type Client = {
  clientId: string
  clientSecret: string
  scopes: readonly string[]
  grants: readonly string[]
  tenantId: string
}
