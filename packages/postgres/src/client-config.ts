import type pg from 'pg'

/**
 * The configuration of a client for the database of a URL. It sets what `pg` would otherwise take
 * from variables of the environment that are meant for other programs (PGOPTIONS, PGAPPNAME,
 * PGCLIENT_ENCODING, PGREPLICATION, PGSSLNEGOTIATION). Only what the URL leaves out comes from the
 * environment: PGUSER, PGPASSWORD, PGHOST, PGPORT, PGDATABASE and PGSSLMODE.
 */
export function clientConfig(
  url: string,
  { applicationName, options }: { applicationName: string; options?: string },
): pg.ClientConfig {
  // The types of `pg` lack some of these.
  const config = {
    connectionString: url,
    application_name: applicationName,
    // A space, because an empty text would count as absent.
    options: options ?? ' ',
    client_encoding: 'UTF8',
    replication: 'false',
    sslnegotiation: 'postgres',
  }
  return config
}
