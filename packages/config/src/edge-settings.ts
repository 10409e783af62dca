/** What the world outside may see of a service. */
export interface EdgeSettings {
  /** The names by which it is reached, besides addresses and localhost. */
  hosts: readonly string[]
  /** Where `/metrics` and `/openapi.json` are; without it, on the port of the service. */
  operations?: OperationsSettings
}

/** Where the operations port listens. */
export interface OperationsSettings {
  host: string
  port: number
  /** The same routes on the port of the service too. */
  isPublic: boolean
}
