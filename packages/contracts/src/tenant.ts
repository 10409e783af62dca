/** The tenant of a client, or of its policy, that names none. */
export const DEFAULT_TENANT = 'caudal'

/** The form of a tenant's name. */
export const TENANT_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$'

/** The form of a client's name. */
export const CLIENT_PATTERN = '^[A-Za-z0-9._-]{1,64}$'
